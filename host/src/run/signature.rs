//! Detached ed25519 signatures of modules: 64 raw bytes over the very bytes that are compiled.

use anyhow::{Context as _, Result, bail};
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use ed25519_dalek::{SIGNATURE_LENGTH, Signature, VerifyingKey};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Bytes of a key file that are read.
const KEY_BYTES_MAX: u64 = 4_096;

/// Where the signature of a module's file lies: beside it, with `.sig` behind its whole name.
fn beside(module: &Path) -> PathBuf {
    let mut name = module.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// The signature beside a module's file; none when no key is configured.
///
/// # Errors
/// There is none, or it cannot be read.
pub(super) fn of_file(module: &Path, key: Option<&Path>) -> Result<Option<Vec<u8>>> {
    if key.is_none() {
        return Ok(None);
    }
    let path = beside(module);
    let signature = read(&path, SIGNATURE_LENGTH as u64 + 1);
    let signature = signature.with_context(|| {
        format!("module_key is set, and the signature \"{}\" cannot be read", path.display())
    })?;
    Ok(Some(signature))
}

/// Checks a signature when a key is configured; without one everything is taken.
///
/// # Errors
/// The key is none, or the signature is missing or not of this key and these bytes.
pub(super) fn check(bytes: &[u8], signature: Option<&[u8]>, key: Option<&Path>) -> Result<()> {
    let Some(path) = key else { return Ok(()) };
    let key = read_key(path).with_context(|| format!("cannot use the key \"{}\"", path.display()))?;
    let Some(signature) = signature else { bail!("module_key is set, and no signature is given") };
    let Ok(signature) = Signature::from_slice(signature) else {
        bail!("the signature has {} bytes, and an ed25519 signature has {SIGNATURE_LENGTH}", signature.len())
    };
    if key.verify_strict(bytes, &signature).is_err() {
        bail!("the signature is not of these bytes by the key \"{}\"", path.display());
    }
    Ok(())
}

fn read_key(path: &Path) -> Result<VerifyingKey> {
    let text = String::from_utf8(read(path, KEY_BYTES_MAX)?).context("it is not a PEM file")?;
    VerifyingKey::from_public_key_pem(&text).context("it is not an ed25519 public key in PEM")
}

fn read(path: &Path, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::pkcs8::EncodePublicKey as _;
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
    use ed25519_dalek::{Signer as _, SigningKey};

    fn files(name: &str) -> (SigningKey, PathBuf, PathBuf) {
        let folder = std::env::temp_dir().join(format!("wasmhost-signature-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("made");
        let signing = SigningKey::from_bytes(&[7; 32]);
        let pem = signing.verifying_key().to_public_key_pem(LineEnding::LF).expect("it encodes");
        let (key, module) = (folder.join("key.pem"), folder.join("a.wasm"));
        std::fs::write(&key, pem).expect("written");
        (signing, key, module)
    }

    #[test]
    fn only_a_signature_of_these_bytes_by_this_key_passes() {
        let (signing, key, module) = files("passes");
        let signature = signing.sign(b"bytes").to_bytes();
        std::fs::write(beside(&module), signature).expect("written");
        let read = of_file(&module, Some(&key)).expect("it is there");
        assert!(check(b"bytes", read.as_deref(), Some(&key)).is_ok());
        for (bytes, signature) in [
            (&b"other"[..], Some(signature.to_vec())),
            (b"bytes", Some(SigningKey::from_bytes(&[8; 32]).sign(b"bytes").to_bytes().to_vec())),
            (b"bytes", Some(signature[1..].to_vec())),
            (b"bytes", None),
        ] {
            assert!(check(bytes, signature.as_deref(), Some(&key)).is_err());
        }
    }

    #[test]
    fn without_a_key_nothing_is_asked_for() {
        let (_, _, module) = files("none");
        assert_eq!(of_file(&module.with_extension("no"), None).expect("not read"), None);
        assert!(check(b"bytes", None, None).is_ok());
    }

    #[test]
    fn a_missing_signature_and_a_key_that_is_none_are_named() {
        let (_, key, module) = files("missing");
        let module = module.with_extension("unsigned");
        let error = of_file(&module, Some(&key)).expect_err("there is none");
        assert!(format!("{error:#}").contains("a.unsigned.sig"), "{error:#}");
        std::fs::write(&key, "no key").expect("written");
        let error = check(b"bytes", Some(&[0; 64]), Some(&key)).expect_err("no key");
        assert!(format!("{error:#}").contains("key.pem"), "{error:#}");
    }
}
