//! Groups as an administrator sees them.

use super::members::{Member, Members};
use super::{Call, text};
use crate::state::{State, code};
use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, GroupId,
    ListGroupsRequest, ListGroupsResponse,
};

/// "Not asked for" of authorised operations.
const NO_OPERATIONS: i32 = i32::MIN;

/// Kafka's word for what a group is doing.
fn state_of(state: &State, name: &str) -> &'static str {
    let Some(group) = state.kafka.find_group(name) else { return "Dead" };
    match state.members.get(name) {
        Some(members) if !members.all.is_empty() => {
            match (group.is_rebalancing(), members.is_stable(group)) {
                (true, _) => "PreparingRebalance",
                (false, true) => "Stable",
                (false, false) => "CompletingRebalance",
            }
        }
        _ => "Empty",
    }
}

pub(super) fn describe(call: &Call<'_>, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let state = call.shared.lock();
    let describe = |id: GroupId| {
        let word = state_of(&state, &id);
        let group =
            DescribedGroup::default().with_group_state(text(word)).with_authorized_operations(NO_OPERATIONS);
        let group = match state.members.get(id.as_str()) {
            None => group,
            Some(members) => of_members(group, members, word == "Stable"),
        };
        group.with_group_id(id)
    };
    DescribeGroupsResponse::default().with_groups(request.groups.into_iter().map(describe).collect())
}

fn of_members(group: DescribedGroup, members: &Members, is_stable: bool) -> DescribedGroup {
    let one = |member: &Member| {
        let assignment = if is_stable { member.assignment.clone() } else { Bytes::new() };
        DescribedGroupMember::default()
            .with_member_id(text(&*member.id))
            .with_group_instance_id(member.instance.as_deref().map(text))
            .with_client_id(text(&*member.client_id))
            .with_client_host(text("/127.0.0.1"))
            .with_member_metadata(if is_stable { member.metadata(&members.protocol) } else { Bytes::new() })
            .with_member_assignment(assignment)
    };
    group
        .with_protocol_type(text(&*members.kind))
        .with_protocol_data(if is_stable { members.protocol.clone() } else { text("") })
        .with_members(members.all.values().map(one).collect())
}

pub(super) fn list(call: &Call<'_>, request: &ListGroupsRequest) -> ListGroupsResponse {
    let state = call.shared.lock();
    let one = |name: &str| {
        let kind = state.members.get(name).map(|members| members.kind.clone()).unwrap_or_default();
        ListedGroup::default()
            .with_group_id(GroupId(text(name)))
            .with_protocol_type(text(kind))
            .with_group_state(text(state_of(&state, name)))
    };
    let is_wanted = |group: &ListedGroup| {
        request.states_filter.is_empty() || request.states_filter.contains(&group.group_state)
    };
    ListGroupsResponse::default().with_groups(state.kafka.group_names().map(one).filter(is_wanted).collect())
}

pub(super) fn delete(call: &Call<'_>, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let mut state = call.shared.lock();
    let delete = |id: GroupId| {
        let result = match state_of(&state, &id) {
            "Dead" => Err(ResponseError::GroupIdNotFound),
            "Empty" => {
                state.kafka.delete_group(&id);
                state.members.remove(id.as_str());
                Ok(())
            }
            _ => Err(ResponseError::NonEmptyGroup),
        };
        DeletableGroupResult::default().with_group_id(id).with_error_code(code(result))
    };
    DeleteGroupsResponse::default().with_results(request.groups_names.into_iter().map(delete).collect())
}
