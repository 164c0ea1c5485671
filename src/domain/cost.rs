//! What an incident costs: prices from a file, quantities that people note, and estimates of what the room measured.
//!
//! Money is counted in hundredths of the currency, as whole numbers, so that a sum is exactly the sum of its lines. An
//! estimate stands until somebody notes what it really was.

use serde::{Deserialize, Serialize};

use super::ids::Actor;
use super::impact::Impact;
use super::time::At;

/// What a price is estimated from until people know better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Hours from the declaration to the end of the incident, times the people at work.
    PersonHours,
    /// Devices that were still away when last measured: somebody may have to go there.
    DevicesAway,
    /// Devices that came (back) online since the onset.
    Reconnects,
    /// Messages received since the onset.
    Messages,
}

/// The price of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The word of the command line: `truck-roll`.
    pub id: String,
    /// The words of a bill.
    pub name: String,
    pub unit: String,
    /// Of `per` units, in hundredths.
    pub price: i64,
    pub per: f64,
    /// What it is estimated from, where the room can.
    pub measured: Option<Measure>,
}

/// All prices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// `USD`, `EUR`.
    pub currency: String,
    /// People at work on an incident at once, for the estimate of their hours.
    pub people: f64,
    pub rates: Vec<Rate>,
}

impl Rates {
    pub fn find(&self, id: &str) -> Option<&Rate> {
        self.rates.iter().find(|rate| rate.id == id)
    }
}

impl Rate {
    /// What a quantity costs, in hundredths, to the nearest one.
    pub fn amount(&self, quantity: f64) -> i64 {
        (quantity / self.per * self.price as f64).round() as i64
    }
}

/// Something that people have noted, with the price of that day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The rate it belongs to.
    pub rate: String,
    pub name: String,
    /// None for a sum that somebody gave as a whole.
    pub quantity: Option<f64>,
    pub unit: String,
    /// In hundredths.
    pub amount: i64,
    pub currency: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A cost on the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostEntry {
    /// Counted from 1 in its incident.
    pub number: u32,
    pub cost: Cost,
    pub by: Actor,
    pub at: At,
    /// Taken back, by whom, and why.
    pub withdrawn: Option<(Actor, String)>,
}

/// A line of a bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BillLine {
    pub rate: String,
    pub name: String,
    pub quantity: Option<f64>,
    pub unit: String,
    /// In hundredths of the bill's currency.
    pub amount: i64,
    /// Not noted by anybody: computed from what the room measured.
    pub estimated: bool,
}

/// What an incident has cost so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    pub currency: String,
    pub lines: Vec<BillLine>,
    /// The sum of what is noted, and of what is estimated beside it, in hundredths.
    pub noted: i64,
    pub estimated: i64,
    /// Entries in another currency, which no sum can hold.
    pub foreign: Vec<Cost>,
}

impl Bill {
    pub const fn total(&self) -> i64 {
        self.noted + self.estimated
    }

    /// The total in words: `USD ~488 300`, where any of it is an estimate.
    pub fn sum(&self) -> String {
        format!("{} {}", self.currency, about(self.total(), self.estimated != 0))
    }

    /// Whether a part of it falls when devices come back.
    pub fn may_fall(&self) -> bool {
        self.lines.iter().any(|line| line.estimated && line.name.ends_with(IF_NOTHING_MORE))
    }

    /// The bill at `now`: everything noted, and estimates for the rates nobody has noted anything of. `worked` is when
    /// people began, and ended if they have.
    pub fn of(rates: &Rates, costs: &[CostEntry], impact: Option<&Impact>, worked: (At, Option<At>), now: At) -> Self {
        let standing: Vec<&Cost> =
            costs.iter().filter(|entry| entry.withdrawn.is_none()).map(|entry| &entry.cost).collect();
        let currency = match standing.first() {
            _ if !rates.currency.is_empty() => rates.currency.clone(),
            Some(cost) => cost.currency.clone(),
            None => String::new(),
        };
        let mut bill = Self { currency, ..Self::default() };
        for cost in standing {
            if cost.currency != bill.currency {
                bill.foreign.push(cost.clone());
                continue;
            }
            bill.noted += cost.amount;
            bill.lines.push(BillLine {
                rate: cost.rate.clone(),
                name: if cost.note.is_empty() { cost.name.clone() } else { format!("{} ({})", cost.name, cost.note) },
                quantity: cost.quantity,
                unit: cost.unit.clone(),
                amount: cost.amount,
                estimated: false,
            });
        }
        for rate in &rates.rates {
            let noted = bill.lines.iter().any(|line| line.rate == rate.id);
            let Some(quantity) = rate.measured.and_then(|measure| estimate(measure, rates, impact, worked, now)) else {
                continue;
            };
            let amount = rate.amount(quantity);
            if noted || amount == 0 {
                continue;
            }
            bill.estimated += amount;
            let may_fall = rate.measured == Some(Measure::DevicesAway) && worked.1.is_none();
            bill.lines.push(BillLine {
                rate: rate.id.clone(),
                name: if may_fall { format!("{}, {IF_NOTHING_MORE}", rate.name) } else { rate.name.clone() },
                quantity: Some((quantity * 100.0).round() / 100.0),
                unit: rate.unit.clone(),
                amount,
                estimated: true,
            });
        }
        bill
    }
}

fn estimate(
    measure: Measure,
    rates: &Rates,
    impact: Option<&Impact>,
    (began, ended): (At, Option<At>),
    now: At,
) -> Option<f64> {
    match measure {
        Measure::PersonHours => Some(ended.unwrap_or(now).since_s(began) as f64 / 3600.0 * rates.people),
        Measure::DevicesAway => impact.map(|impact| f64::from(impact.away)),
        Measure::Reconnects => impact.map(|impact| impact.reconnects as f64),
        Measure::Messages => impact.map(|impact| impact.messages as f64),
    }
}

/// What an estimate of devices that are away rests on, while more may come back.
pub const IF_NOTHING_MORE: &str = "if nothing more comes back";

/// A sum with what it is worth: an estimate is in whole units, with a mark: `~488 300`.
pub fn about(hundredths: i64, estimated: bool) -> String {
    if estimated { format!("~{}", money((hundredths + 50).div_euclid(100) * 100)) } else { money(hundredths) }
}

/// A sum as people write it: `488 300`, `3 200.50`.
pub fn money(hundredths: i64) -> String {
    let (whole, cents) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    let digits = whole.to_string();
    let mut text = if hundredths < 0 { "-".to_owned() } else { String::new() };
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    if cents > 0 {
        text += &format!(".{cents:02}");
    }
    text
}

/// Reads a sum as people type it: `3200`, `3,200.50`, `488 300`; in hundredths.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_money(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is not a sum; write 3200 or 3200.50");
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '_' | ',')).collect();
    let (whole, cents) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || whole.len() > 15 || cents.len() > 2 || !(cents.is_empty() || digits(cents)) {
        return Err(wrong());
    }
    let cents: i64 = format!("{cents:0<2}").parse().map_err(|_| wrong())?;
    whole.parse::<i64>().map(|whole| whole * 100 + cents).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(id: &str, price: i64, per: f64, measured: Option<Measure>) -> Rate {
        Rate { id: id.into(), name: id.into(), unit: "each".into(), price, per, measured }
    }

    #[test]
    fn sums_are_written_and_read() {
        for (text, hundredths) in
            [("488 300", 48_830_000), ("3,200.50", 320_050), ("0", 0), ("7.5", 750), ("8500", 850_000)]
        {
            assert_eq!(parse_money(text), Ok(hundredths), "{text}");
        }
        for text in ["", "-1", "1.234", "ten", "1.2.3", "1e9", "9999999999999999"] {
            assert!(parse_money(text).is_err(), "{text}");
        }
        assert_eq!(money(48_830_000), "488 300");
        assert_eq!(money(320_050), "3 200.50");
        assert_eq!(money(-5), "-0.05");
    }

    #[test]
    fn an_estimate_stands_until_somebody_notes_what_it_was() {
        let at = |s| At::from_ms(0).plus_s(s);
        let rates = Rates {
            currency: "USD".into(),
            people: 2.0,
            rates: vec![
                rate("support-hour", 10_000, 1.0, Some(Measure::PersonHours)),
                rate("truck-roll", 15_000, 1.0, Some(Measure::DevicesAway)),
                rate("cloud-requests", 100, 1e6, Some(Measure::Reconnects)),
                rate("goodwill", 100, 1.0, None),
            ],
        };
        let impact = Impact { away: 3, reconnects: 2_500_000, ..Impact::default() };
        let entry = |number, cost| CostEntry { number, cost, by: Actor::Engine, at: at(0), withdrawn: None };
        let noted = |rate: &str, quantity: Option<f64>, amount| Cost {
            rate: rate.into(),
            name: rate.into(),
            quantity,
            unit: "visit".into(),
            amount,
            currency: "USD".into(),
            note: String::new(),
        };
        let bill = Bill::of(&rates, &[], Some(&impact), (at(0), None), at(5400));
        let lines: Vec<_> = bill.lines.iter().map(|line| (line.rate.as_str(), line.amount)).collect();
        assert_eq!(lines, [("support-hour", 30_000), ("truck-roll", 45_000), ("cloud-requests", 250)]);
        assert_eq!((bill.noted, bill.estimated), (0, 75_250));
        assert_eq!((bill.lines[1].name.as_str(), bill.may_fall()), ("truck-roll, if nothing more comes back", true));
        assert_eq!((bill.sum().as_str(), about(75_250, false).as_str()), ("USD ~753", "752.50"));
        let mut costs = vec![entry(1, noted("truck-roll", Some(1.0), 15_000)), entry(2, noted("goodwill", None, 500))];
        let bill = Bill::of(&rates, &costs, Some(&impact), (at(0), Some(at(3600))), at(5400));
        assert_eq!((bill.noted, bill.estimated, bill.total()), (15_500, 20_250, 35_750));
        costs[0].withdrawn = Some((Actor::Engine, "typing mistake".into()));
        costs.push(entry(3, Cost { currency: "EUR".into(), ..noted("goodwill", None, 900) }));
        let bill = Bill::of(&rates, &costs, None, (at(0), Some(at(3600))), at(5400));
        assert_eq!((bill.noted, bill.estimated, bill.foreign.len()), (500, 20_000, 1));
    }
}
