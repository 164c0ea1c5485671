//! A real browser without a window: what it makes of a page, measured by a script that the page itself would not allow.

use std::path::Path;
use std::process::Command;

/// The browser, by its name; none where there is none.
fn browser() -> Option<&'static str> {
    let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(runs)
}

/// The browser. Where there is none this is a failure, unless whoever runs the tests has said that none can be had.
#[allow(clippy::print_stdout)]
pub fn required() -> Option<&'static str> {
    let found = browser();
    if found.is_none() {
        assert!(
            std::env::var_os("WARROOM_WITHOUT_CHROMIUM").is_some(),
            "no chromium: install it (tests/run does), or set WARROOM_WITHOUT_CHROMIUM=1 to leave this out"
        );
        // Shown where the tests are run without capturing; tests/run has said it too.
        println!("SKIPPED: no chromium, so nobody looked at the HTML export");
    }
    found
}

/// Opens a page, runs `script` when it is loaded, and returns what it gives, as JSON. Whatever the page tries to load
/// that its policy forbids is counted in `violations` of the script's world.
pub fn measure(browser: &str, html: &str, script: &str, options: &[&str]) -> serde_json::Value {
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("page.html");
    let policy = "default-src 'none';";
    assert!(html.contains(policy), "the page forbids loading");
    // The policy stays as it is, but for our own script.
    let html = html.replacen(policy, "default-src 'none'; script-src 'unsafe-inline';", 1);
    let watch = "<script>window.violations = [];\
                 document.addEventListener('securitypolicyviolation', e => violations.push(e.blockedURI));</script>";
    let html = html.replacen("<title>", &format!("{watch}<title>"), 1);
    let tell = format!(
        "<script>addEventListener('load', () => {{ const told = (() => {{ {script} }})();\
         const pre = document.createElement('pre'); pre.id = 'told'; pre.textContent = JSON.stringify(told);\
         document.body.replaceChildren(pre); }});</script></body>"
    );
    std::fs::write(&page, html.replacen("</body>", &tell, 1)).unwrap();
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
        .args(options)
        .args(["--window-size=1200,900", "--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = dom.split("<pre id=\"told\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let told =
        told.unwrap_or_else(|| panic!("the page says nothing:\n{dom}\n{}", String::from_utf8_lossy(&output.stderr)));
    let told = told.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    serde_json::from_str(&told).unwrap()
}

/// Prints a page, and returns the size of what came of it.
pub fn print(browser: &str, page: &Path) -> u64 {
    let pdf = page.with_extension("pdf");
    let profile = page.with_extension("profile");
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--print-to-pdf={}", pdf.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    std::fs::metadata(&pdf).map_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)), |meta| meta.len())
}
