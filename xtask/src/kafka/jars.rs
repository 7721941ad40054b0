//! Kafka's jars: fetched once from Maven Central into the cache.

use crate::{command, kafka::VERSION, paths};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Kafka logs through slf4j 1.7 and brings log4j 2; this binds the two.
const LOG4J_VERSION: &str = "2.25.4";

fn pom() -> String {
    format!(
        r"<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>wasmhost</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>{LOG4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"
    )
}

/// The folder with Kafka's jars; fetched with Maven when it is not there. Made aside and then renamed, so
/// that a folder of this name is whole.
///
/// # Errors
/// Maven fails, or the cache cannot be written.
pub fn fetch() -> Result<PathBuf> {
    let cache = paths::cache()?;
    let folder = cache.join(format!("kafka-{VERSION}"));
    let pom = pom();
    if fs::read_to_string(folder.join("pom.xml")).is_ok_and(|text| text == pom) {
        return Ok(folder);
    }
    let aside = cache.join(format!("kafka-{VERSION}.partial-{}", std::process::id()));
    fs::create_dir_all(&aside).with_context(|| format!("cannot make {}", aside.display()))?;
    fs::write(aside.join("pom.xml"), &pom)?;
    eprintln!("fetching Apache Kafka {VERSION} from Maven Central into {}", folder.display());
    command::run(
        Command::new("mvn")
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(aside.join("pom.xml"))
            .arg("dependency:copy-dependencies")
            .arg("-DincludeScope=runtime")
            .arg(format!("-DoutputDirectory={}", aside.display())),
    )?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    if let Err(error) = fs::rename(&aside, &folder) {
        fs::remove_dir_all(&aside)?;
        // Another process that fetched at the same time was first: its folder is as good as ours.
        if !folder.join("pom.xml").exists() {
            return Err(error).with_context(|| format!("cannot rename to {}", folder.display()));
        }
    }
    Ok(folder)
}
