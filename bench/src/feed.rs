//! Realistic invented messages of about 1 KiB, all different, so that compression has to work for its figure.

use orris_tests::Random;

const FAMILY: [&str; 48] = [
    "Abbott",
    "Baker",
    "Castillo",
    "Dvorak",
    "Eriksen",
    "Fontaine",
    "Garcia",
    "Haugen",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Novak",
    "Okafor",
    "Petrov",
    "Quispe",
    "Rossi",
    "Schneider",
    "Tanaka",
    "Ullrich",
    "Vargas",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zhang",
    "Andersson",
    "Bianchi",
    "Costa",
    "Dubois",
    "Evans",
    "Fischer",
    "Gruber",
    "Hansen",
    "Iyer",
    "Jovanovic",
    "Keller",
    "Larsen",
    "Meyer",
    "Nagy",
    "Olsen",
    "Papadopoulos",
    "Reyes",
    "Silva",
    "Torres",
    "Urban",
    "Vogel",
    "Wagner",
];
const GIVEN: [&str; 24] = [
    "Ana", "Bruno", "Carla", "David", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Klara", "Leo",
    "Mara", "Nils", "Olga", "Pavel", "Rita", "Samir", "Tessa", "Uwe", "Vera", "Wim", "Yara", "Zeno",
];
const STREETS: [&str; 12] = [
    "Station Road",
    "Mill Lane",
    "Church Street",
    "Hill View",
    "Park Avenue",
    "River Walk",
    "Oak Drive",
    "Market Square",
    "Harbour Street",
    "School Lane",
    "Garden Way",
    "Bridge Road",
];
const NOTES: [&str; 10] = [
    "Patient arrived walking, in no distress.",
    "Fasting since midnight as instructed.",
    "Sample slightly haemolysed, repeat if in doubt.",
    "Allergy history confirmed with next of kin.",
    "Transfer from outpatient department.",
    "Interpreter needed for the interview.",
    "Wheelchair on the ward.",
    "Medication list brought along and checked.",
    "Discharge planned for the end of the week.",
    "Previous record requested from the archive.",
];

/// One ADT message of about 1,024 bytes with this number as its control id.
pub(crate) fn message(number: u64, random: &mut Random) -> String {
    let family = FAMILY[random.below(FAMILY.len() as u64) as usize];
    let given = GIVEN[random.below(GIVEN.len() as u64) as usize];
    let next_of_kin = GIVEN[random.below(GIVEN.len() as u64) as usize];
    let street = STREETS[random.below(STREETS.len() as u64) as usize];
    let (patient, visit) = (random.below(900_000) + 100_000, random.below(90_000_000) + 10_000_000);
    let born = 1930 + random.below(90);
    let (month, day) = (random.below(12) + 1, random.below(28) + 1);
    let (house, post_code, phone) =
        (random.below(300) + 1, random.below(90_000) + 10_000, random.below(9_000_000));
    let (ward, bed, doctor) = (random.below(30) + 1, random.below(60) + 1, random.below(400) + 1000);
    let event = ["A01", "A04", "A08", "A13"][random.below(4) as usize];
    let time = format!(
        "2026{:02}{:02}{:02}{:02}{:02}",
        month,
        day,
        random.below(24),
        random.below(60),
        random.below(60)
    );
    let mut text = format!(
        "MSH|^~\\&|ADT1|NORTH HOSPITAL|ORRIS|LAB|{time}||ADT^{event}^ADT_A01|{number:010}|P|2.5|||AL|NE\r\
         EVN|{event}|{time}||||{time}\r\
         PID|1||{patient}^^^NORTH^MR~{visit}^^^NATIONAL^NI||{family}^{given}^{}||{born}{month:02}{day:02}|{}|||\
         {house} {street}^^Sampletown^^{post_code}^USA||+00 {phone:07}|||M|||{visit}\r\
         NK1|1|{family}^{next_of_kin}|SPO|{house} {street}^^Sampletown^^{post_code}^USA|+00 {phone:07}\r\
         PV1|1|I|{ward}N^{bed:03}^A^NORTH||||{doctor}^Healer^Dana^^^Dr|{}^Physician^Alex^^^Dr||MED||||1|||{doctor}^Healer^\
         Dana^^^Dr|IN|{visit}|||||||||||||||||||||||||{time}\r\
         OBX|1|NM|8302-2^Body height^LN||{}|cm|||||F|||{time}\r\
         OBX|2|NM|29463-7^Body weight^LN||{}.{}|kg|||||F|||{time}\r\
         AL1|1|DA|{}^Substance {}||Rash\r",
        ["A", "B", "C", "D"][random.below(4) as usize],
        ["F", "M", "U"][random.below(3) as usize],
        random.below(400) + 1000,
        random.below(60) + 140,
        random.below(80) + 40,
        random.below(10),
        random.below(9_000) + 1_000,
        random.below(500),
    );
    let mut line = 1;
    while text.len() < 960 {
        let note = NOTES[random.below(NOTES.len() as u64) as usize];
        text.push_str(&format!("DG1|{line}||R{:05}^{note}^I10||{time}|W\r", random.below(100_000)));
        line += 1;
    }
    text
}

/// Tests of a laboratory: code, name, unit, range.
const TESTS: [(&str, &str, &str, &str); 8] = [
    ("718-7", "Hemoglobin", "g/dL", "12.0-16.0"),
    ("4544-3", "Hematocrit", "%", "36-46"),
    ("6690-2", "Leukocytes", "10*3/uL", "4.5-11.0"),
    ("777-3", "Platelets", "10*3/uL", "150-400"),
    ("2345-7", "Glucose", "mg/dL", "70-99"),
    ("2160-0", "Creatinine", "mg/dL", "0.6-1.1"),
    ("2951-2", "Sodium", "mmol/L", "136-145"),
    ("2823-3", "Potassium", "mmol/L", "3.5-5.1"),
];

/// One ORU message of about 5 KiB with this number as its control id: 40 results and their notes.
pub(crate) fn results(number: u64, random: &mut Random) -> String {
    let family = FAMILY[random.below(FAMILY.len() as u64) as usize];
    let given = GIVEN[random.below(GIVEN.len() as u64) as usize];
    let (patient, order) = (random.below(900_000) + 100_000, random.below(90_000_000) + 10_000_000);
    let time = format!("202601{:02}{:02}{:02}00", random.below(28) + 1, random.below(24), random.below(60));
    let mut text = format!(
        "MSH|^~\\&|LAB|NORTH HOSPITAL|ORRIS|WARD|{time}||ORU^R01^ORU_R01|{number:010}|P|2.5.1\r\
         PID|1||{patient}^^^NORTH^MR||{family}^{given}||19700101|F\r\
         PV1|1|I|4N^012^A^NORTH\r\
         ORC|RE|{order}^WARD|{order}^LAB||CM\r\
         OBR|1|{order}^WARD|{order}^LAB|24323-8^Panel^LN|||{time}|||||||||1234^Healer^Dana^^^Dr||||||{time}||LAB|F\r"
    );
    for line in 1.. {
        let (code, name, unit, range) = TESTS[random.below(TESTS.len() as u64) as usize];
        let (value, digit) = (random.below(200), random.below(10));
        text.push_str(&format!(
            "OBX|{line}|NM|{code}^{name}^LN||{value}.{digit}|{unit}^{unit}^ISO+|{range}|N|||F|||{time}||5678^Tech^Toni\r"
        ));
        if line % 4 == 0 {
            let note = NOTES[random.below(NOTES.len() as u64) as usize];
            text.push_str(&format!("NTE|1|L|{note} Sent by fax \\T\\ mail.\r"));
        }
        if text.len() > 5_000 {
            break;
        }
    }
    text
}
