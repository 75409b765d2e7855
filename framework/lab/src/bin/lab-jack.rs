//! A JACK client for tests: `lab-jack INTO FROM` connects its output to the port INTO and its input
//! to the port FROM, says `ready`, plays each line of standard input (hex bytes, one JACK event)
//! and writes each event it hears as `heard HEX`. It ends with its standard input.
//!
//! The server is the one `JACK_DEFAULT_SERVER` names, or the default one.

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::io::BufRead;

    let mut arguments = std::env::args().skip(1);
    let (Some(into), Some(from)) = (arguments.next(), arguments.next()) else {
        return Err("usage: lab-jack INTO FROM".into());
    };
    let (client, heard) = lab::jack::client::Client::open("lab")?;
    client.connect(&into, &from)?;
    println!("ready");
    std::thread::spawn(move || {
        for bytes in heard {
            println!("heard {}", lab::jack::to_hex(&bytes));
        }
    });
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        client.play(lab::jack::from_hex(&line).ok_or_else(|| format!("`{line}` is not hex bytes"))?)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("lab-jack is for the lab's tests, which run on Linux.");
    std::process::exit(1);
}
