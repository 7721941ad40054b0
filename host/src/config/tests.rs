//! Layers on each other, from text to [`Config`].

use super::*;

/// A config file in the temp folder, gone at the end of the test.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wasmhost-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("the temp folder is writable");
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let home = [("HOME", "/home/me")];
    home.iter().chain(pairs).map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn flag(key: &str, flag: &'static str, text: &str) -> Entry {
    Entry::for_key(key, Raw::Text(text.into()), Origin::Flag(flag)).expect("a known key")
}

fn sources(pairs: &[(&str, &str)], flags: &[(&str, &'static str, &str)]) -> Sources {
    let mut all = vec![flag("module", "--module", "native:sum")];
    all.extend(flags.iter().map(|(key, name, text)| flag(key, name, text)));
    Sources { variables: variables(pairs), flags: all, ..Sources::default() }
}

fn good(sources: &Sources) -> Config {
    load(sources).expect("good settings").value
}

fn bad(sources: &Sources) -> ConfigError {
    load(sources).expect_err("a wrong setting")
}

#[test]
fn a_module_is_all_that_must_be_given() {
    let config = good(&sources(&[], &[]));
    assert_eq!(config.module, ModuleSource::Native("sum".into()));
    assert_eq!((config.name.as_str(), config.application_id.as_str()), ("sum", "sum"));
    assert_eq!(
        (config.inputs.as_slice(), config.output.as_str()),
        (["sum-input".into()].as_slice(), "sum-output")
    );
    assert_eq!(config.bootstrap_servers, "localhost:9092");
    assert_eq!(config.commit_interval, Duration::from_millis(100));
    assert_eq!(config.processing_guarantee, ProcessingGuarantee::ExactlyOnce);
    assert_eq!(config.state_dir, Path::new("/home/me/.local/state/wasmhost"));
    assert_eq!((config.partitions, config.replication_factor), (None, None));
    assert_eq!(config.repartition_purge_interval, Some(Duration::from_secs(30)));
    assert_eq!(config.limits.memory_bytes_max, 64 << 20);
    assert!(config.workers >= 1);

    let error = bad(&Sources { variables: variables(&[]), ..Sources::default() });
    assert_eq!(error.to_string(), "no module is given");
}

#[test]
fn flags_win_over_variables_over_file_over_defaults() {
    let file = TempFile::new(
        "layers.toml",
        "workers = 2\noutput = 'f'\nbatch_records_max = 5\n[limits]\nretries_max = 9",
    );
    let mut sources =
        sources(&[("HOST_WORKERS", "3"), ("HOST_OUTPUT", "e")], &[("workers", "--workers", "4")]);
    sources.file = Some(file.0.clone());
    let config = good(&sources);
    assert_eq!((config.workers, config.output.as_str(), config.batch_records_max), (4, "e", 5));
    assert_eq!((config.limits.retries_max, config.limits.stack_bytes_max), (9, 512 << 10));

    let origin = |key: &str| {
        let shown = config.shown.iter().find(|shown| shown.key == key).expect("it is shown");
        (shown.value.clone(), shown.origin.to_string())
    };
    assert_eq!(origin("workers"), ("4".into(), "flag --workers".into()));
    assert_eq!(origin("output"), ("\"e\"".into(), "environment variable HOST_OUTPUT".into()));
    assert_eq!(origin("batch_records_max"), ("5".into(), format!("{}:3", file.0.display())));
    assert_eq!(origin("application_id"), ("\"sum\"".into(), "from name".into()));
    assert_eq!(origin("offset_reset"), ("\"earliest\"".into(), "default".into()));
}

#[test]
fn kafka_properties_are_layered_one_by_one_and_bootstrap_servers_is_ours() {
    let file = TempFile::new(
        "kafka.toml",
        "[kafka]\nbootstrap.servers = 'f:1'\nsecurity.protocol = 'ssl'\nlinger.ms = 5\n\
         [kafka.consumer]\n\"fetch.min.bytes\" = 7\n",
    );
    let properties = TempFile::new("kafka.properties", "linger.ms=6\nsasl.password=p4ss\n");
    let mut sources = sources(
        &[("HOST_KAFKA_BOOTSTRAP_SERVERS", "e:1")],
        &[("kafka.security.protocol", "-X", "plaintext")],
    );
    sources.file = Some(file.0.clone());
    sources.properties = vec![properties.0.clone()];
    let config = good(&sources);
    assert_eq!(config.bootstrap_servers, "e:1");
    let common: Vec<_> = config.kafka.common.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(common, [("linger.ms", "6"), ("sasl.password", "p4ss"), ("security.protocol", "plaintext")]);
    assert_eq!(config.kafka.consumer["fetch.min.bytes"], "7");

    let page = toml(&config.shown);
    assert!(page.contains("\"sasl.password\" = \"(hidden)\""), "{page}");
    assert!(!page.contains("p4ss") && !format!("{config:?}{:?}", config.kafka).contains("p4ss"));
}

#[test]
fn what_is_shown_is_a_file_with_the_same_settings() {
    let shown = toml(&good(&sources(&[("HOST_SETTINGS_SEPARATOR", ";")], &[])).shown);
    let file = TempFile::new("shown.toml", &shown);
    let again = Sources { variables: variables(&[]), file: Some(file.0.clone()), ..Sources::default() };
    let values = |shown: &[Shown]| shown.iter().map(|s| format!("{}={}", s.key, s.value)).collect::<Vec<_>>();
    let once = good(&sources(&[("HOST_SETTINGS_SEPARATOR", ";")], &[]));
    assert_eq!(values(&good(&again).shown), values(&once.shown));
}

#[test]
fn wrong_values_name_layer_key_and_what_is_allowed() {
    let file = TempFile::new("wrong.toml", "\nworkers = 0\n");
    let mut from_file = sources(&[], &[]);
    from_file.file = Some(file.0.clone());
    let error = bad(&from_file);
    assert_eq!(error.to_string(), format!("{}:2: workers = 0 is not allowed", file.0.display()));
    assert_eq!(error.hint.as_deref(), Some("workers is auto, or a whole number from 1 to 1024"));

    let error = bad(&sources(&[("HOST_COMMIT_INTERVAL_MS", "6m")], &[]));
    assert_eq!(error.to_string(), "environment variable HOST_COMMIT_INTERVAL_MS: \"6m\" is not allowed");

    let error = bad(&sources(&[], &[("commit_interval_ms", "--commit-interval", "100")]));
    assert_eq!(error.to_string(), "flag --commit-interval: \"100\" is not allowed");
    let hint = "commit_interval_ms is a duration from 1ms to 5m with its unit, such as 100ms, 2s or 5m";
    assert_eq!(error.hint.as_deref(), Some(hint));
}

#[test]
fn one_layer_says_a_thing_once() {
    let flags =
        [("offset_reset", "--offset-reset", "latest"), ("offset_reset", "--from-beginning", "earliest")];
    let error = bad(&sources(&[], &flags));
    assert_eq!(error.to_string(), "flag --from-beginning: offset_reset is also set by flag --offset-reset");
}

#[test]
fn topics_must_be_valid_and_different() {
    let message = |flags: &[(&str, &'static str, &str)]| bad(&sources(&[], flags)).to_string();
    assert_eq!(message(&[("inputs", "--input", "a,a")]), "flag --input: input \"a\" is given twice");
    assert_eq!(
        message(&[("inputs", "--input", "a,b"), ("output", "--output", "b")]),
        "flag --output: output \"b\" is also an input"
    );
    assert_eq!(
        message(&[("inputs", "--input", "a b")]),
        "flag --input: input \"a b\" cannot be used in Kafka: ' ' is none of a-z A-Z 0-9 . _ -"
    );
    assert!(message(&[("output", "--output", "sum-dead-letter")]).contains("is an internal topic"));
    assert!(
        message(&[("application_id", "--application-id", &"a".repeat(240))])
            .contains("longer than 249 bytes")
    );
    assert!(message(&[("name", "--name", "a/b")]).contains("cannot be used in Kafka"));
    assert!(
        message(&[("inputs", "--input", "a,b"), ("repartition", "--repartition", "never")])
            .contains("needs a single input")
    );
}

#[test]
fn a_module_file_with_an_odd_name_needs_a_name() {
    let mut sources = sources(&[], &[]);
    sources.flags = vec![flag("module", "--module", "my module.wasm")];
    let error = bad(&sources);
    assert!(error.to_string().starts_with("flag --module: the module's name \"my module\""), "{error}");
    assert_eq!(error.hint.as_deref(), Some("give --name"));
    sources.flags.push(flag("name", "--name", "mine"));
    assert_eq!(good(&sources).inputs, ["mine-input"]);
}

#[test]
fn a_missing_file_is_an_error_and_no_module_still_shows() {
    let mut sources = Sources { variables: variables(&[]), ..Sources::default() };
    assert!(show(&sources).expect("no module is asked for").value.iter().all(Shown::is_default));
    sources.file = Some("/no/such/host.toml".into());
    assert!(bad(&sources).to_string().starts_with("cannot read the file \"/no/such/host.toml\": "));
}

#[test]
fn each_operator_of_a_chain_has_an_admin_address_and_knows_the_others() {
    let operators = "application_id = \"shop\"\n[[operators]]\nname = \"clean\"\nmodule = \"a.wasm\"\n\
                     [[operators]]\nname = \"count\"\nmodule = \"b.wasm\"\n";
    let file = TempFile::new("ports.toml", operators);
    let loaded = |flags: Vec<Entry>| {
        let sources =
            Sources { file: Some(file.0.clone()), variables: variables(&[]), flags, ..Sources::default() };
        let loaded = load_all(&sources).expect("good settings");
        loaded.into_iter().map(|loaded| loaded.value).collect::<Vec<_>>()
    };
    let ports = |configs: &[Config]| -> Vec<_> {
        configs.iter().map(|config| config.admin.address().map(|address| address.port())).collect()
    };
    let default = loaded(vec![]);
    assert_eq!(ports(&default), [Some(9464), Some(9465)]);
    assert!(matches!(default[1].admin, Admin::Default(_)));
    let expected = [("clean".to_owned(), 9464), ("count".to_owned(), 9465)];
    assert!(default.iter().all(|config| config.page.operators == expected));
    let asked = loaded(vec![flag("admin", "--admin", "127.0.0.1:7000")]);
    assert_eq!(ports(&asked), [Some(7000), Some(7001)]);
    let any = loaded(vec![flag("admin", "--admin", "127.0.0.1:0")]);
    assert_eq!(ports(&any), [Some(0), Some(0)]);
    assert!(any[0].page.operators.is_empty());
    assert_eq!(ports(&loaded(vec![flag("admin", "--admin", "off")])), [None, None]);
}
