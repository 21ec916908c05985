use medley_stack_tests::replay::capture::*;
fn main() {
    for name in std::env::args().skip(1) {
        let c = Capture::load(&name).unwrap();
        println!("== {name} {:?}", c.dialect);
        let mut decs = std::collections::BTreeMap::new();
        for r in &c.records {
            let arrow = if r.direction == Direction::ToServer { "->" } else { "<-" };
            match (r.id, &r.plain) {
                (Some(id), Some(p)) => {
                    let d: &mut Decoder =
                        decs.entry((r.conn, arrow)).or_insert_with(|| Decoder::new(c.dialect));
                    for m in d.push(id, p) {
                        let s = m.fields.to_string();
                        println!(
                            "{:4} {:7.2} c{} {:?}{} {arrow} {:?} {} {}",
                            r.line,
                            r.time,
                            r.conn,
                            r.server,
                            if r.udp { "/u" } else { "" },
                            r.cover,
                            m.name,
                            &s[..s.len().min(700)]
                        );
                    }
                }
                _ => println!(
                    "{:4} {:7.2} c{} {:?}{} {arrow} {:?} {:?} UNREADABLE {}",
                    r.line,
                    r.time,
                    r.conn,
                    r.server,
                    if r.udp { "/u" } else { "" },
                    r.cover,
                    r.id,
                    r.frame.len()
                ),
            }
        }
    }
}
