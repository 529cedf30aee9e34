//! `date`: prints the time, in UTC.

use alloc::format;
use alloc::string::{String, ToString};

use user_lib::linux::CLOCK_REALTIME;
use user_lib::{println, time};

use user_lib::option::fail;

const DAY: i64 = 24 * 60 * 60;
const WEEK_DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
    "Nov", "Dec",
];

/// Runs `date`.
pub fn main(arguments: &[String]) -> i32 {
    let now = match time::read(CLOCK_REALTIME) {
        Ok(now) => now,
        Err(error) => return fail("date", "clock", error),
    };
    let form = arguments.get(1).and_then(|word| word.strip_prefix('+'));
    let form = form.unwrap_or("%a %b %e %H:%M:%S UTC %Y");
    println!("{}", text(form, now));
    0
}

/// Year, month (0 to 11) and day (1 to 31) of a count of days since 1970,
/// by the civil calendar of years that start in March.
fn civil(days: i64) -> (i64, usize, i64) {
    const ERA: i64 = 146_097;
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(ERA), shifted.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let is_next = month >= 10;
    let month = if is_next { month - 10 } else { month + 2 };
    (era * 400 + year + i64::from(is_next), month as usize, day_of_month)
}

/// Fills a format in, as `strftime(3)`; nanoseconds are `%N`.
fn text(form: &str, now: time::Time) -> String {
    let days = now.seconds.div_euclid(DAY);
    let second = now.seconds.rem_euclid(DAY);
    let (year, month, day) = civil(days);
    let week_day = WEEK_DAYS[days.rem_euclid(7) as usize];
    let mut text = String::new();
    let mut letters = form.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        text += &match letters.next() {
            Some('Y') => year.to_string(),
            Some('m') => format!("{:02}", month + 1),
            Some('d') => format!("{day:02}"),
            Some('e') => format!("{day:2}"),
            Some('H') => format!("{:02}", second / 3600),
            Some('M') => format!("{:02}", second / 60 % 60),
            Some('S') => format!("{:02}", second % 60),
            Some('N') => format!("{:09}", now.nanoseconds),
            Some('s') => now.seconds.to_string(),
            Some('a') => week_day.to_string(),
            Some('b') => MONTHS[month].to_string(),
            Some('F') => self::text("%Y-%m-%d", now),
            Some('T') => self::text("%H:%M:%S", now),
            Some(other) => other.to_string(),
            None => String::new(),
        };
    }
    text
}

/// A time to the minute, as `ls -l` shows it.
pub fn minute(seconds: i64) -> String {
    text("%F %H:%M", time::Time { seconds, nanoseconds: 0 })
}
