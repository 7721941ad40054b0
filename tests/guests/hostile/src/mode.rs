//! The table of modes.

/// The call in which faults happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Transform,
    Reduce,
    Finish,
}

impl Call {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "transform" => Ok(Self::Transform),
            "reduce" => Ok(Self::Reduce),
            "finish" => Ok(Self::Finish),
            _ => Err(format!("unknown call `{text}`: there are transform, reduce, finish")),
        }
    }
}

macro_rules! modes {
    (
        $($(#[doc = $doc:literal])* $name:literal => $mode:ident,)*
        with text { $($(#[doc = $text_doc:literal])* $text_name:literal => $text_mode:ident,)* }
    ) => {
        /// What is done wrong. A mode of the lower part is written `name:argument`.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum Mode {
            $($(#[doc = $doc])* $mode,)*
            $($(#[doc = $text_doc])* $text_mode(String),)*
        }

        impl Mode {
            pub(crate) fn parse(text: &str) -> Result<Self, String> {
                match text.split_once(':') {
                    None => match text {
                        $($name => Ok(Self::$mode),)*
                        _ => Err(format!("unknown mode `{text}`")),
                    },
                    Some((name, argument)) => match name {
                        $($text_name => Ok(Self::$text_mode(argument.into())),)*
                        _ => Err(format!("unknown mode `{name}:`")),
                    },
                }
            }
        }
    };
}

modes! {
    /// Behaves.
    "ok" => Ok,
    // Wrong answers of transform.
    "offset-past-data" => OffsetPastData,
    "falling-offsets" => FallingOffsets,
    "odd-offset-count" => OddOffsetCount,
    /// One too few; with a single row, where none is allowed, one too many.
    "too-few-timestamps" => TooFewTimestamps,
    /// Shows with 5 rows or more: below, one byte is right and none is allowed.
    "null-bits-short" => NullBitsShort,
    "null-bits-long" => NullBitsLong,
    "source-count-wrong" => SourceCountWrong,
    "source-out-of-range" => SourceOutOfRange,
    /// Shows with 2 rows or more.
    "source-falling" => SourceFalling,
    "bad-row-out-of-range" => BadRowOutOfRange,
    "bad-row-falling" => BadRowFalling,
    /// A refused row that has an output row too.
    "bad-row-with-output" => BadRowWithOutput,
    /// With a single row: past the number of headers.
    "header-ends-falling" => HeaderEndsFalling,
    "header-offset-past-data" => HeaderOffsetPastData,
    /// A list of 1 GiB, far past the end of memory.
    "gigabyte-list-claim" => GigabyteListClaim,
    "sinks-wrong" => SinksWrong,
    // Wrong answers of reduce and finish.
    "reduce-wrong-count" => ReduceWrongCount,
    "reduce-offset-past-data" => ReduceOffsetPastData,
    "reduce-bad-out-of-range" => ReduceBadOutOfRange,
    "finish-wrong-count" => FinishWrongCount,
    // Faults, in the call that `at` names.
    "trap" => Trap,
    "panic" => Panic,
    "spin" => Spin,
    "fatal" => Fatal,
    "retry" => Retry,
    /// Asks for a retry on every call of an instance but its first: a retry on a fresh instance succeeds.
    "retry-once" => RetryOnce,
    /// Allocates until there is no more.
    "grow-memory" => GrowMemory,
    /// A last cell of 32 MiB.
    "big-output" => BigOutput,
    "deep-recursion" => DeepRecursion,
    /// Copies 16 MiB to and fro without end.
    "bulk-copy" => BulkCopy,
    /// Refuses every row for one and the same reason of 1 MiB, which is there once.
    "amplified-reasons" => AmplifiedReasons,
    /// Values are the eight bytes of a NaN with a payload, after one addition.
    "nan" => Nan,
    /// Spoils its answer somewhere, by the number that the first value is.
    "spoil-at-random" => SpoilAtRandom,
    /// 10,000 lines of 4 KiB, then behaves.
    "log-flood" => LogFlood,
    // Faults before any data.
    "configure-error" => ConfigureError,
    "trap-in-describe" => TrapInDescribe,
    with text {
        /// These five when a value of the batch contains the text.
        "trap-on" => TrapOn,
        "spin-on" => SpinOn,
        "retry-on" => RetryOn,
        "fatal-on" => FatalOn,
        /// Refuses just that row or value.
        "reject-on" => RejectOn,
        /// Traps on this call of an instance, counted from 1.
        "trap-on-call" => TrapOnCall,
    }
}
