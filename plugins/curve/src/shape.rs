//! The shapes as functions.

/// A shape with its numbers.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Form {
    /// y = x
    Linear,
    /// The inverse of `Exp`.
    Log(f64),
    /// y = (e^(a x) - 1) / (e^a - 1)
    Exp(f64),
    /// y = x^p / (x^p + (1 - x)^p) with p = 1 + a
    S(f64),
    /// y = x^g
    Gamma(f64),
    /// Straight lines between [in, out], both 0-127, in rising.
    Points(Vec<[f64; 2]>),
}

impl Form {
    /// The curve: from 0-127 to 0-127, monotonic. `[main]`
    pub(crate) fn at(&self, input: f64) -> f64 {
        let x = (input / 127.0).clamp(0.0, 1.0);
        let y = match self {
            // Not by way of x, which would round.
            Self::Linear => return input.clamp(0.0, 127.0),
            Self::Points(points) => return between(points, input),
            // A shape of no strength is a straight line, and 0 / 0 as a formula.
            Self::Log(a) | Self::Exp(a) if *a < 1e-6 => x,
            Self::Log(a) => (x * a.exp_m1()).ln_1p() / a,
            Self::Exp(a) => (a * x).exp_m1() / a.exp_m1(),
            Self::S(a) => {
                let (up, down) = (x.powf(1.0 + a), (1.0 - x).powf(1.0 + a));
                up / (up + down)
            }
            Self::Gamma(g) => x.powf(*g),
        };
        (y * 127.0).clamp(0.0, 127.0)
    }

    /// Whether somebody placed every value by hand, so that a value above 0 may become 0 on purpose.
    pub(crate) fn is_by_hand(&self) -> bool {
        matches!(self, Self::Points(_))
    }
}

fn between(points: &[[f64; 2]], input: f64) -> f64 {
    let next = points.partition_point(|[x, _]| *x < input);
    match (next.checked_sub(1).map(|i| points[i]), points.get(next).copied()) {
        (Some([x0, y0]), Some([x1, y1])) => y0 + (y1 - y0) * (input - x0) / (x1 - x0),
        (None, Some([_, y])) | (Some([_, y]), None) => y,
        (None, None) => input,
    }
}
