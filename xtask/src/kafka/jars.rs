//! Kafka's jars: fetched once from Maven Central into the cache.

use crate::{kafka::VERSION, maven};
use anyhow::Result;
use std::path::PathBuf;

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

/// The folder with Kafka's jars.
///
/// # Errors
/// They are not there and can't be fetched.
pub fn fetch() -> Result<PathBuf> {
    maven::fetch(&format!("kafka-{VERSION}"), &pom())
}
