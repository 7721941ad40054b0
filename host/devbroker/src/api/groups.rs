//! The classic protocol of groups: members join, one of them leads and says who gets what, all sync and then send
//! heartbeats.

use super::members::{Member, Members};
use super::{Call, text};
use crate::state::{Shared, State, code};
use bytes::Bytes;
use host_model::group::Group;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// From this version on a client comes again with the id that it is given, so that none is lost with its answer.
const ID_FIRST_SINCE: i16 = 4;
/// From this version on several may leave in one request.
const LEAVE_MANY_SINCE: i16 = 3;
/// A waiting request looks again at the latest after this time, whether or not something has changed.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

impl State {
    pub(super) fn group(&mut self, name: &str) -> (&mut Group, &mut Members) {
        if !self.members.contains_key(name) {
            self.members.insert(name.to_owned(), Members::default());
        }
        let members = self.members.get_mut(name).expect("it is there now");
        (self.kafka.group_named(name), members)
    }
}

impl State {
    /// A group that somebody has joined.
    fn joined_group(&mut self, name: &str) -> Result<(&mut Group, &mut Members), ResponseError> {
        if self.members.contains_key(name) {
            Ok(self.group(name))
        } else {
            Err(ResponseError::UnknownMemberId)
        }
    }
}

// ---- join

pub(super) fn join(call: &Call<'_>, request: &JoinGroupRequest) -> JoinGroupResponse {
    let refused = |error: ResponseError, id: String| {
        JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_generation_id(-1)
            .with_protocol_name(Some(StrBytes::default()))
            .with_member_id(text(id))
    };
    let asked_as = request.member_id.to_string();
    let mut state = call.shared.lock();
    let placed = place(call, &mut state, request);
    call.shared.changed();
    match placed {
        Ok(Placed::ComeAgain(id)) => refused(ResponseError::MemberIdRequired, id),
        Ok(Placed::Stays(number, leader)) => {
            let (group, members) = state.group(&request.group_id);
            joined(group, members, number).with_leader(text(leader)).with_members(Vec::new())
        }
        Ok(Placed::Waits(number)) => {
            let id = state.members[request.group_id.as_str()].all[&number].id.clone();
            drop(state);
            wait_for_generation(call.shared, &request.group_id, number, &id)
                .unwrap_or_else(|error| refused(error, id))
        }
        Err(error) => refused(error, asked_as),
    }
}

/// What becomes of a request to join.
enum Placed {
    /// It gets an id, and has to join with it.
    ComeAgain(String),
    /// A static member is back, and the generation goes on; as if this member led it.
    Stays(u64, String),
    /// It is a member, and waits for a generation.
    Waits(u64),
}

fn place(call: &Call<'_>, state: &mut State, request: &JoinGroupRequest) -> Result<Placed, ResponseError> {
    let protocols: Vec<_> =
        request.protocols.iter().map(|protocol| (protocol.name.clone(), protocol.metadata.clone())).collect();
    check(call, request)?;
    let (group, members) = state.group(&request.group_id);
    let (id, instance) = (request.member_id.as_str(), request.group_instance_id.as_deref());
    let known = match instance.and_then(|instance| members.of_instance(instance)) {
        Some(number) if id.is_empty() || members.all[&number].id == id => Some(number),
        Some(_) => return Err(ResponseError::FencedInstanceId),
        None => members.of_id(id),
    };
    if !members.all.is_empty()
        && (members.kind != *request.protocol_type || !members.supports(&protocols, known))
    {
        return Err(ResponseError::InconsistentGroupProtocol);
    }
    members.kind = request.protocol_type.to_string();
    if let Some(number) = known {
        return Ok(join_again(call, (group, members), number, request, protocols));
    }
    if !id.is_empty() && (instance.is_some() || members.awaited.remove(id).is_none()) {
        return Err(ResponseError::UnknownMemberId);
    }
    let id = if id.is_empty() { new_id(instance.unwrap_or(&call.client_id)) } else { id.to_owned() };
    if instance.is_none() && request.member_id.is_empty() && call.version >= ID_FIRST_SINCE {
        members.awaited.insert(id.clone(), Instant::now());
        return Ok(Placed::ComeAgain(id));
    }
    let number = group.join();
    let delay = call.shared.settings.first_rebalance_delay;
    members.add(number, member(call, id, request, protocols), delay);
    Ok(Placed::Waits(number))
}

fn check(call: &Call<'_>, request: &JoinGroupRequest) -> Result<(), ResponseError> {
    let limits = &call.shared.settings.limits;
    if request.group_id.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    if !(limits.session_timeout_min..=limits.session_timeout_max)
        .contains(&millis(request.session_timeout_ms))
    {
        return Err(ResponseError::InvalidSessionTimeout);
    }
    if request.protocol_type.is_empty() || request.protocols.is_empty() {
        return Err(ResponseError::InconsistentGroupProtocol);
    }
    Ok(())
}

fn join_again(
    call: &Call<'_>,
    (group, members): (&mut Group, &mut Members),
    number: u64,
    request: &JoinGroupRequest,
    protocols: Vec<(StrBytes, Bytes)>,
) -> Placed {
    let is_stable = members.is_stable(group);
    let is_leader = members.leader == Some(number);
    let old = &members.all[&number];
    let (before, is_same) = (old.id.clone(), old.protocols == protocols);
    let is_back = request.member_id.is_empty();
    let id = if is_back {
        new_id(request.group_instance_id.as_deref().unwrap_or_default())
    } else {
        before.clone()
    };
    let assignment = old.assignment.clone();
    let member = Member { assignment, ..member(call, id, request, protocols) };
    members.all.insert(number, member);
    if is_stable && is_same && (is_back || !is_leader) {
        // Its answer names somebody else as the leader even if it leads, so that nothing is shared out anew.
        let leader = if is_leader { before } else { leader_id(members) };
        return Placed::Stays(number, leader);
    }
    group.rejoin(number);
    Placed::Waits(number)
}

fn member(
    call: &Call<'_>,
    id: String,
    request: &JoinGroupRequest,
    protocols: Vec<(StrBytes, Bytes)>,
) -> Member {
    let session = millis(request.session_timeout_ms);
    // In version 0 it is the same.
    let rebalance =
        if request.rebalance_timeout_ms < 0 { session } else { millis(request.rebalance_timeout_ms) };
    Member {
        id,
        instance: request.group_instance_id.as_ref().map(ToString::to_string),
        client_id: call.client_id.clone(),
        protocols,
        assignment: Bytes::new(),
        session,
        rebalance,
        seen: Instant::now(),
        is_waiting: false,
    }
}

fn wait_for_generation(
    shared: &Shared,
    name: &str,
    number: u64,
    id: &str,
) -> Result<JoinGroupResponse, ResponseError> {
    let mut state = shared.lock();
    loop {
        let (group, members) = state.group(name);
        if let Some(member) = members.all.get_mut(&number) {
            member.is_waiting = true;
        }
        if members.settle(group, Instant::now()) {
            shared.changed();
        }
        let member = members.all.get_mut(&number).ok_or(ResponseError::UnknownMemberId)?;
        if member.id != id {
            return Err(ResponseError::FencedInstanceId);
        }
        if !group.is_rebalancing() && !group.holds(number) {
            (member.is_waiting, member.seen) = (false, Instant::now());
            group.tell(number);
            return Ok(joined(group, members, number));
        }
        if shared.is_stopping() {
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        state = shared.wait(state, Instant::now() + LOOK_INTERVAL);
    }
}

/// The answer to a member: its leader hears of all.
fn joined(group: &Group, members: &Members, number: u64) -> JoinGroupResponse {
    let one = |member: &Member| {
        JoinGroupResponseMember::default()
            .with_member_id(text(&*member.id))
            .with_group_instance_id(member.instance.as_deref().map(text))
            .with_metadata(member.metadata(&members.protocol))
    };
    let is_leader = members.leader == Some(number);
    let all = if is_leader { members.all.values().map(one).collect() } else { Vec::new() };
    JoinGroupResponse::default()
        .with_generation_id(group.generation())
        .with_protocol_type(Some(text(&*members.kind)))
        .with_protocol_name(Some(members.protocol.clone()))
        .with_leader(text(leader_id(members)))
        .with_member_id(text(&*members.all[&number].id))
        .with_members(all)
}

fn leader_id(members: &Members) -> String {
    let leader = members.leader.and_then(|leader| members.all.get(&leader));
    leader.map(|leader| leader.id.clone()).unwrap_or_default()
}

fn new_id(prefix: &str) -> String {
    format!("{prefix}-{}", Uuid::new_v4())
}

fn millis(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

// ---- sync

pub(super) fn sync(call: &Call<'_>, request: &SyncGroupRequest) -> SyncGroupResponse {
    let result = wait_for_assignment(call.shared, request);
    let assignment = result.clone().unwrap_or_default();
    SyncGroupResponse::default().with_error_code(code(result.map(|_| ()))).with_assignment(assignment)
}

fn wait_for_assignment(shared: &Shared, request: &SyncGroupRequest) -> Result<Bytes, ResponseError> {
    let instance = request.group_instance_id.as_deref();
    let mut state = shared.lock();
    let mut is_first = true;
    loop {
        let (group, members) = state.joined_group(&request.group_id)?;
        let number = members.identify(&request.member_id, instance)?;
        if request.generation_id != group.generation() {
            // One that has waited here is told to join again.
            let waited = ResponseError::RebalanceInProgress;
            return Err(if is_first { ResponseError::IllegalGeneration } else { waited });
        }
        if is_first
            && members.leader == Some(number)
            && members.synced != group.generation()
            && !group.is_rebalancing()
        {
            assign(members, request);
            members.synced = group.generation();
            shared.changed();
        }
        is_first = false;
        let is_synced = members.synced == group.generation();
        let member = members.all.get_mut(&number).ok_or(ResponseError::UnknownMemberId)?;
        (member.seen, member.is_waiting) = (Instant::now(), false);
        if group.is_rebalancing() {
            return Err(ResponseError::RebalanceInProgress);
        }
        if is_synced {
            return Ok(member.assignment.clone());
        }
        if shared.is_stopping() {
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        member.is_waiting = true;
        state = shared.wait(state, Instant::now() + LOOK_INTERVAL);
    }
}

fn assign(members: &mut Members, request: &SyncGroupRequest) {
    for given in &request.assignments {
        if let Some(number) = members.of_id(&given.member_id)
            && let Some(member) = members.all.get_mut(&number)
        {
            member.assignment = given.assignment.clone();
        }
    }
}

// ---- heartbeat, leave

pub(super) fn heartbeat(call: &Call<'_>, request: &HeartbeatRequest) -> HeartbeatResponse {
    let mut state = call.shared.lock();
    let result = state.joined_group(&request.group_id).and_then(|(group, members)| {
        let number = members.identify(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != group.generation() {
            return Err(ResponseError::IllegalGeneration);
        }
        if let Some(member) = members.all.get_mut(&number) {
            member.seen = Instant::now();
        }
        // One that has joined and not heard of its generation waits, and sends none.
        if group.is_rebalancing() { Err(ResponseError::RebalanceInProgress) } else { Ok(()) }
    });
    HeartbeatResponse::default().with_error_code(code(result))
}

pub(super) fn leave(call: &Call<'_>, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let mut state = call.shared.lock();
    let (group, members) = state.group(&request.group_id);
    let mut leave = |leaver: &MemberIdentity| {
        let instance = leaver.group_instance_id.as_deref();
        // An administrator throws static members out by their names alone.
        let found = match instance.filter(|_| leaver.member_id.is_empty()) {
            Some(instance) => members.of_instance(instance).ok_or(ResponseError::UnknownMemberId),
            None if members.awaited.remove(leaver.member_id.as_str()).is_some() => return Ok(()),
            None => members.identify(&leaver.member_id, instance),
        };
        members.remove(group, found?);
        Ok(())
    };
    let response = LeaveGroupResponse::default();
    let response = if call.version < LEAVE_MANY_SINCE {
        response.with_error_code(code(leave(&MemberIdentity::default().with_member_id(request.member_id))))
    } else {
        let answer = |leaver: MemberIdentity| {
            let result = leave(&leaver);
            MemberResponse::default()
                .with_member_id(leaver.member_id)
                .with_group_instance_id(leaver.group_instance_id)
                .with_error_code(code(result))
        };
        response.with_members(request.members.into_iter().map(answer).collect())
    };
    members.settle(group, Instant::now());
    drop(state);
    call.shared.changed();
    response
}
