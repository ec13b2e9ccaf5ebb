//! What Linux says of a process.

use std::fs::read_to_string;
use std::time::Duration;

use crate::Result;

/// Linux counts the time of processes in hundredths of a second, on every machine.
const TICK: Duration = Duration::from_millis(10);

/// Processor time used so far, in user space and in the kernel.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before the last parenthesis may hold anything.
    let fields = stat.rsplit_once(')').ok_or("unreadable /proc/PID/stat")?.1;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u32>);
    let mut next = || ticks.next().ok_or("short /proc/PID/stat");
    Ok(TICK * (next()?? + next()??))
}

/// Memory that is really there.
pub fn resident_kb(pid: u32) -> Result<u64> {
    let status = read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_memory_and_time_that_only_grows() {
        let pid = std::process::id();
        assert!(resident_kb(pid).expect("readable") > 100);
        assert!(cpu_time(pid).expect("readable") <= cpu_time(pid).expect("readable"));
    }
}
