//! The standard variables.

use std::time::Duration;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const ENDPOINT_OWN: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const ENDPOINT_DEFAULT: &str = "http://localhost:4318";
const PATH: &str = "/v1/traces";
const SERVICE_DEFAULT: &str = "wasmhost";
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
const DELAY_DEFAULT: Duration = Duration::from_secs(5);

/// Where spans go, and what is said with each.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Host and port of the collector.
    pub authority: String,
    /// The path there.
    pub path: String,
    /// Headers of each request.
    pub headers: Vec<(String, String)>,
    /// For one request.
    pub timeout: Duration,
    /// How long spans are gathered.
    pub delay: Duration,
    /// Attributes of the process, the service's name among them.
    pub resource: Vec<(String, String)>,
    /// Of so large a share of transactions there are spans, 0 to 1.
    pub ratio: f64,
}

impl Settings {
    /// Reads `OTEL_SDK_DISABLED`, `OTEL_TRACES_EXPORTER` (`otlp`, `none`), `OTEL_EXPORTER_OTLP_ENDPOINT`, `…_HEADERS`,
    /// `…_TIMEOUT` and `…_PROTOCOL` with their `OTEL_EXPORTER_OTLP_TRACES_` forms, `OTEL_SERVICE_NAME`,
    /// `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` with its `_ARG`, `OTEL_BSP_SCHEDULE_DELAY`. None: no exporter
    /// and no endpoint is named, or they are turned off.
    ///
    /// # Errors
    /// A value that cannot be used; the text names its variable.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let get =
            |name: &str| get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let otlp = |name: &str| {
            get(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
                .or_else(|| get(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        let exporter = get("OTEL_TRACES_EXPORTER");
        let is_off = get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_off || exporter.as_deref() == Some("none") || (exporter.is_none() && otlp("ENDPOINT").is_none())
        {
            return Ok(None);
        }
        if let Some(other) = exporter.filter(|exporter| exporter != "otlp") {
            return Err(format!("OTEL_TRACES_EXPORTER is \"{other}\"; there are otlp and none"));
        }
        if let Some(other) = otlp("PROTOCOL").filter(|protocol| protocol != "http/protobuf") {
            return Err(format!("OTEL_EXPORTER_OTLP_PROTOCOL is \"{other}\"; there is http/protobuf"));
        }
        let (authority, path) = endpoint(&get)?;
        let mut resource = pairs("OTEL_RESOURCE_ATTRIBUTES", get("OTEL_RESOURCE_ATTRIBUTES"))?;
        if let Some(name) = get("OTEL_SERVICE_NAME") {
            resource.retain(|(key, _)| key != "service.name");
            resource.push(("service.name".into(), name));
        } else if !resource.iter().any(|(key, _)| key == "service.name") {
            resource.push(("service.name".into(), SERVICE_DEFAULT.into()));
        }
        Ok(Some(Self {
            authority,
            path,
            headers: pairs("OTEL_EXPORTER_OTLP_HEADERS", otlp("HEADERS"))?,
            timeout: milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", otlp("TIMEOUT"), TIMEOUT_DEFAULT)?,
            delay: milliseconds("OTEL_BSP_SCHEDULE_DELAY", get("OTEL_BSP_SCHEDULE_DELAY"), DELAY_DEFAULT)?,
            resource,
            ratio: ratio(get("OTEL_TRACES_SAMPLER").as_deref(), get("OTEL_TRACES_SAMPLER_ARG"))?,
        }))
    }
}

/// Host and port, and the path there. The address may hold a secret, so no error repeats it.
fn endpoint(get: &impl Fn(&str) -> Option<String>) -> Result<(String, String), String> {
    let own = get(ENDPOINT_OWN);
    let common = || get(ENDPOINT).unwrap_or_else(|| ENDPOINT_DEFAULT.into());
    // That of traces is taken as it is; to the common one the path of traces is added.
    let variable = if own.is_some() { ENDPOINT_OWN } else { ENDPOINT };
    let url = own.unwrap_or_else(|| format!("{}{PATH}", common().trim_end_matches('/')));
    let rest = url.strip_prefix("http://").ok_or_else(|| {
        format!("{variable} must begin with http://; for TLS, put a collector beside the host")
    })?;
    // Also behind the first slash: a password may have one.
    if rest.contains('@') {
        return Err(format!("{variable}: a user cannot be named there; use OTEL_EXPORTER_OTLP_HEADERS"));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let authority = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    Ok((authority, format!("/{path}")))
}

/// `a=1,b=2`, with `%20` for what cannot stand there. Values may be secrets, so errors name them by their place.
fn pairs(name: &str, text: Option<String>) -> Result<Vec<(String, String)>, String> {
    let text = text.unwrap_or_default();
    let parts = text.split(',').map(str::trim).zip(1..).filter(|(part, _)| !part.is_empty());
    let pair = |(part, place): (&str, u32)| {
        let wrong = |what| format!("{name}: entry {place} {what}");
        let (key, value) = part.split_once('=').ok_or_else(|| wrong("is not NAME=VALUE"))?;
        let value = decoded(value.trim()).ok_or_else(|| wrong("is not percent-encoded text"))?;
        if value.contains(['\r', '\n']) || key.contains(['\r', '\n']) {
            return Err(wrong("has a line end in it"));
        }
        Ok((key.trim().to_owned(), value))
    };
    parts.map(pair).collect()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

fn milliseconds(name: &str, text: Option<String>, default: Duration) -> Result<Duration, String> {
    let Some(text) = text else { return Ok(default) };
    let number = text.parse().map_err(|_| format!("{name} is \"{text}\"; give milliseconds"))?;
    Ok(Duration::from_millis(number))
}

/// A transaction has no parent, so samplers that follow one do what they do without.
fn ratio(sampler: Option<&str>, argument: Option<String>) -> Result<f64, String> {
    match sampler.unwrap_or("parentbased_always_on") {
        "always_on" | "parentbased_always_on" => Ok(1.0),
        "always_off" | "parentbased_always_off" => Ok(0.0),
        "traceidratio" | "parentbased_traceidratio" => {
            let text = argument.unwrap_or_else(|| "1".into());
            let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            ratio.ok_or_else(|| format!("OTEL_TRACES_SAMPLER_ARG is \"{text}\"; give a number from 0 to 1"))
        }
        other => Err(format!("OTEL_TRACES_SAMPLER is \"{other}\", which is not known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        Settings::from_env(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_is_sent_unless_somebody_says_where() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(
            read(&[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")]),
            Ok(None)
        );
        assert_eq!(read(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "otlp")]), Ok(None));
        let settings = read(&[("OTEL_TRACES_EXPORTER", "otlp")]).expect("good").expect("on");
        assert_eq!((settings.authority.as_str(), settings.path.as_str()), ("localhost:4318", "/v1/traces"));
        assert_eq!(settings.resource, [("service.name".to_owned(), "wasmhost".to_owned())]);
    }

    #[test]
    fn what_is_said_for_traces_wins_and_is_taken_as_it_is() {
        let settings = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://common:1/"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://own:2/in"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x, tenant=a"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=test"),
            ("OTEL_SERVICE_NAME", "totals"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ]);
        let settings = settings.expect("good").expect("on");
        assert_eq!((settings.authority.as_str(), settings.path.as_str()), ("own:2", "/in"));
        assert_eq!(settings.headers[0], ("authorization".to_owned(), "Bearer x".to_owned()));
        let expected = [("deployment.environment.name", "test"), ("service.name", "totals")];
        assert_eq!(settings.resource, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert!((settings.ratio - 0.25).abs() < f64::EPSILON);
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let on = ("OTEL_TRACES_EXPORTER", "otlp");
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "novalue"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=%0d%0ab"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
        ] {
            assert!(read(&[on, (name, value)]).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn an_error_repeats_no_secret() {
        let (headers, endpoint) = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_ENDPOINT");
        let own = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        for (name, value, words) in [
            (headers, "a=b,hush", "entry 2 is not NAME=VALUE"),
            (headers, "a=b,,token=hush%", "entry 3 is not percent-encoded"),
            (headers, "token=hush%0a", "entry 1 has a line end"),
            (endpoint, "https://user:hush@c", "must begin with http://"),
            (endpoint, "http://user:hush@c:4318", "use OTEL_EXPORTER_OTLP_HEADERS"),
            (own, "http://user:hu/hush@c:4318/in", "use OTEL_EXPORTER_OTLP_HEADERS"),
        ] {
            let error = read(&[("OTEL_TRACES_EXPORTER", "otlp"), (name, value)]).expect_err(value);
            assert!(error.starts_with(name) && error.contains(words), "{error}");
            assert!(!error.contains("hush") && !error.contains("user:"), "{error}");
        }
    }
}
