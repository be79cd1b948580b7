//! Invented messages, each told apart by its control id.

/// An ADT^A01 of about 600 bytes with this control id (MSH-10). The patient is invented.
pub fn admission(control_id: &str) -> String {
    let number: u64 =
        control_id.bytes().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let (patient, bed) = (number % 900_000 + 100_000, number % 40 + 1);
    [
        format!("MSH|^~\\&|WARD|NORTH|ORRIS|LAB|20260102030405||ADT^A01^ADT_A01|{control_id}|P|2.5"),
        "EVN|A01|20260102030405".to_owned(),
        format!(
            "PID|1||{patient}^^^NORTH^MR||Sample^Robin^Q||19700101|U|||1 Example Road^^Sampletown^^00001"
        ),
        "NK1|1|Sample^Kim|SPO|1 Example Road^^Sampletown^^00001|0000000".to_owned(),
        format!("PV1|1|I|2N^20{bed}^A^NORTH||||1234^Healer^Dana|||MED||||1|||1234^Healer^Dana|IN|{patient}1"),
        "AL1|1|DA|PEN^Penicillin|SV|Rash".to_owned(),
        "DG1|1||I10^Hypertension^I10||20260102|A".to_owned(),
    ]
    .join("\r")
        + "\r"
}

/// A batch (FHS BHS … BTS FTS) of admissions with these control ids.
pub fn batch(control_ids: &[String]) -> String {
    let mut text = String::from("FHS|^~\\&|WARD|NORTH\rBHS|^~\\&|WARD|NORTH\r");
    for control_id in control_ids {
        text.push_str(&admission(control_id));
    }
    text.push_str(&format!("BTS|{}\rFTS|1\r", control_ids.len()));
    text
}
