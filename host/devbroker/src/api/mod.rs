//! Requests and their answers: one file a subject. Each takes a decoded request, works under the one lock, and answers
//! with Kafka's error codes.

mod commits;
mod fetch;
mod group_admin;
mod groups;
pub(crate) mod members;
mod metadata;
mod offsets;
mod produce;
mod topics;
mod transactions;

use crate::state::Shared;
use anyhow::{Result, bail};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::{Encodable as _, Request, StrBytes};

/// What is spoken, with the least and the highest version. The highest are those before topics are named by id only,
/// before groups are balanced by the broker, and before producers leave it to the broker to enlist partitions.
const SPOKEN: &[(ApiKey, i16, i16)] = &[
    (ApiKey::Produce, 3, 8),
    (ApiKey::Fetch, 4, 11),
    (ApiKey::ListOffsets, 1, 7),
    (ApiKey::Metadata, 0, 12),
    (ApiKey::OffsetCommit, 2, 7),
    (ApiKey::OffsetFetch, 1, 7),
    (ApiKey::FindCoordinator, 0, 3),
    (ApiKey::JoinGroup, 0, 5),
    (ApiKey::Heartbeat, 0, 3),
    (ApiKey::LeaveGroup, 0, 3),
    (ApiKey::SyncGroup, 0, 3),
    (ApiKey::DescribeGroups, 0, 4),
    (ApiKey::ListGroups, 0, 4),
    (ApiKey::ApiVersions, 0, 3),
    (ApiKey::CreateTopics, 2, 4),
    (ApiKey::DeleteTopics, 1, 5),
    (ApiKey::DeleteRecords, 0, 1),
    (ApiKey::InitProducerId, 0, 4),
    (ApiKey::OffsetForLeaderEpoch, 2, 3),
    (ApiKey::AddPartitionsToTxn, 0, 2),
    (ApiKey::AddOffsetsToTxn, 0, 2),
    (ApiKey::EndTxn, 0, 2),
    (ApiKey::TxnOffsetCommit, 0, 3),
    (ApiKey::DescribeConfigs, 1, 2),
    (ApiKey::CreatePartitions, 0, 1),
    (ApiKey::DeleteGroups, 0, 1),
    (ApiKey::DescribeCluster, 0, 0),
];

/// One request, beside its body.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) key: ApiKey,
    pub(crate) version: i16,
    pub(crate) client_id: String,
}

pub(crate) fn speaks(key: ApiKey, version: i16) -> bool {
    SPOKEN.iter().any(|(spoken, least, most)| *spoken == key && (*least..=*most).contains(&version))
}

/// What the answer to `ApiVersions` lists.
pub(crate) fn versions() -> Vec<ApiVersion> {
    let version = |(key, least, most): &(ApiKey, i16, i16)| {
        let version = ApiVersion::default().with_api_key(*key as i16);
        version.with_min_version(*least).with_max_version(*most)
    };
    SPOKEN.iter().map(version).collect()
}

/// Answers a request. False: the client wants no answer.
///
/// # Errors
/// The body makes no sense.
pub(crate) fn answer(call: &Call<'_>, body: &mut Bytes, out: &mut BytesMut) -> Result<bool> {
    match call.key {
        ApiKey::Produce => return optional(call, body, out, produce::produce),
        ApiKey::Fetch => with(call, body, out, fetch::fetch),
        ApiKey::ListOffsets => with(call, body, out, offsets::list),
        ApiKey::OffsetForLeaderEpoch => with(call, body, out, offsets::of_epoch),
        ApiKey::Metadata => with(call, body, out, metadata::metadata),
        ApiKey::DescribeCluster => with(call, body, out, metadata::cluster),
        ApiKey::FindCoordinator => with(call, body, out, metadata::coordinator),
        ApiKey::ApiVersions => with(call, body, out, api_versions),
        ApiKey::CreateTopics => with(call, body, out, topics::create),
        ApiKey::DeleteTopics => with(call, body, out, topics::delete),
        ApiKey::CreatePartitions => with(call, body, out, topics::create_partitions),
        ApiKey::DeleteRecords => with(call, body, out, topics::delete_records),
        ApiKey::DescribeConfigs => with(call, body, out, topics::describe_configs),
        ApiKey::JoinGroup => borrowed(call, body, out, groups::join),
        ApiKey::SyncGroup => borrowed(call, body, out, groups::sync),
        ApiKey::Heartbeat => borrowed(call, body, out, groups::heartbeat),
        ApiKey::LeaveGroup => with(call, body, out, groups::leave),
        ApiKey::DescribeGroups => with(call, body, out, group_admin::describe),
        ApiKey::ListGroups => borrowed(call, body, out, group_admin::list),
        ApiKey::DeleteGroups => with(call, body, out, group_admin::delete),
        ApiKey::OffsetCommit => with(call, body, out, commits::commit),
        ApiKey::OffsetFetch => with(call, body, out, commits::fetch),
        ApiKey::TxnOffsetCommit => with(call, body, out, commits::commit_in_transaction),
        ApiKey::InitProducerId => borrowed(call, body, out, transactions::init),
        ApiKey::AddPartitionsToTxn => with(call, body, out, transactions::add_partitions),
        ApiKey::AddOffsetsToTxn => borrowed(call, body, out, transactions::add_offsets),
        ApiKey::EndTxn => borrowed(call, body, out, transactions::end),
        key => bail!("{key:?} is listed and not answered"),
    }?;
    Ok(true)
}

fn with<R: Request>(
    call: &Call<'_>,
    body: &mut Bytes,
    out: &mut BytesMut,
    answer: impl FnOnce(&Call<'_>, R) -> R::Response,
) -> Result<()> {
    optional(call, body, out, |call, request| Some(answer(call, request))).map(|_| ())
}

fn borrowed<R: Request>(
    call: &Call<'_>,
    body: &mut Bytes,
    out: &mut BytesMut,
    answer: impl FnOnce(&Call<'_>, &R) -> R::Response,
) -> Result<()> {
    with(call, body, out, |call, request| answer(call, &request))
}

fn optional<R: Request>(
    call: &Call<'_>,
    body: &mut Bytes,
    out: &mut BytesMut,
    answer: impl FnOnce(&Call<'_>, R) -> Option<R::Response>,
) -> Result<bool> {
    let request = R::decode(body, call.version)?;
    let Some(answer) = answer(call, request) else { return Ok(false) };
    answer.encode(out, call.version)?;
    Ok(true)
}

fn api_versions(_: &Call<'_>, _: ApiVersionsRequest) -> ApiVersionsResponse {
    ApiVersionsResponse::default().with_api_keys(versions())
}

/// A text for a response.
fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}
