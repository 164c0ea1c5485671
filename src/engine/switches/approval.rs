//! Two people: a request waits for somebody else's yes. Somebody else is another user of this machine, whom the system
//! vouches for; a typed name is nobody. Where there is nobody else, the glass can be broken, and that is looked at
//! afterwards.

use super::fire::{Pull, pull};
use super::{Arming, Decided};
use crate::domain::command::{Approval, Refusal};
use crate::domain::day::Day;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::event::{Event, LearningEvent};
use crate::domain::ids::Actor;
use crate::domain::input::People;
use crate::domain::learning::Plan;
use crate::domain::time::At;
use crate::engine::State;
use crate::limits;

/// Days until a broken glass must have been looked at.
const REVIEW_DAYS: i64 = 7;

/// A switch that one person wants to pull and that needs two.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub approval: u64,
    pub arming: Arming,
    pub typed: String,
    pub asked: At,
    pub expires: At,
    pub uid: u32,
}

/// Asks for a second person.
pub(super) fn ask(state: &mut State, at: At, arming: &Arming, typed: &str) -> Decided {
    if state.switches.requests.len() >= limits::APPROVALS {
        return Err(Refusal::new(format!("{} requests wait for a second person already", limits::APPROVALS)));
    }
    // The number of its line in the log: short enough to be told over a phone.
    let approval = state.room.last.0 + 1;
    let expires = at.plus_ms(limits::APPROVAL_MS * state.settings.pace);
    let uid = state.settings.uid;
    let request = Request { approval, arming: arming.clone(), typed: typed.to_owned(), asked: at, expires, uid };
    state.switches.requests.insert(approval, request);
    let event = SwitchEvent::ApprovalAsked {
        approval,
        switch: arming.switch.id.clone(),
        label: arming.switch.label.clone(),
        preview: Box::new(arming.preview.clone()),
        expires,
        uid,
    };
    Ok((vec![Event::Switch(event)], Vec::new()))
}

/// Takes the second person's yes, and pulls.
pub(super) fn approve(state: &mut State, at: At, by: &Actor, approval: &Approval) -> Decided {
    let number = approval.approval;
    let request = waiting(state, number, at)?;
    if request.uid == approval.uid {
        return Err(Refusal::new(format!(
            "you asked for {number} yourself (user {}); it takes somebody else, from a login of their own",
            request.uid
        )));
    }
    if request.arming.by == *by {
        return Err(Refusal::new(format!("{by} asked for {number}; it takes somebody else")));
    }
    if approval.reason.trim().is_empty() {
        return Err(Refusal::new("an approval needs a reason: what you have looked at"));
    }
    let event = SwitchEvent::Approved {
        approval: number,
        uid: approval.uid,
        reason: crate::domain::text::visible(approval.reason.trim()).into_owned(),
    };
    go(state, at, &request, People::Two(request.uid, approval.uid), vec![Event::Switch(event)])
}

/// One person pulls what needs two.
pub(super) fn break_glass(state: &mut State, at: At, by: &Actor, approval: u64, reason: &str) -> Decided {
    let request = waiting(state, approval, at)?;
    if request.arming.by != *by {
        return Err(Refusal::new(format!("{} asked for it, and would have to break the glass", request.arming.by)));
    }
    let reason = reason.trim();
    if reason.chars().count() < limits::BREAK_GLASS_REASON {
        return Err(Refusal::new(format!(
            "say why nobody else can approve, in {} letters or more",
            limits::BREAK_GLASS_REASON
        )));
    }
    let reason = crate::domain::text::visible(reason).into_owned();
    let review_due = at.plus_s(REVIEW_DAYS * 86_400);
    let event = SwitchEvent::GlassBroken { approval, reason: reason.clone(), review_due };
    let agreed = std::iter::once(Event::Switch(event)).chain(review(state, &request, review_due)).collect();
    go(state, at, &request, People::BrokeGlass(reason), agreed)
}

/// The action item that a broken glass leaves in the open incident.
fn review(state: &State, request: &Request, due: At) -> Option<Event> {
    let incident = state.room.open_incidents().next_back()?;
    let text = format!("review break-glass: {} {}", request.arming.switch.label, request.arming.preview.about());
    // Nobody reviews what they did themselves.
    let owner = Some(&incident.commander).filter(|name| !name.is_empty() && *name != request.arming.by.name()).cloned();
    let action = incident.learning.actions.len() as u32 + 1;
    let plan = Plan { text, owner, due: Some(Day::of(due, 0)) };
    Some(Event::Learning(LearningEvent::ActionAdded { incident: incident.id, action, plan }))
}

fn go(state: &mut State, at: At, request: &Request, people: People, agreed: Vec<Event>) -> Decided {
    let mut pulled = Pull::of(&request.arming, request.typed.clone(), people);
    // It was confirmed when it was asked for; since then the second person had the time.
    pulled.within_ms = limits::ARMED_MS + limits::APPROVAL_MS;
    pulled.approval = Some(request.approval);
    let (events, effects) = pull(state, at, pulled, agreed.len())?;
    state.switches.requests.remove(&request.approval);
    Ok((agreed.into_iter().chain(events).collect(), effects))
}

fn waiting(state: &State, approval: u64, at: At) -> Result<Request, Refusal> {
    let request = state.switches.requests.get(&approval).filter(|request| request.expires > at);
    request.cloned().ok_or_else(|| {
        Refusal::new(format!("nothing waits for approval {approval}: it was answered, withdrawn, or has expired"))
    })
}

/// The first person takes the request back.
pub(super) fn withdraw(state: &mut State, approval: u64, reason: &str) -> Result<Vec<Event>, Refusal> {
    state
        .switches
        .requests
        .remove(&approval)
        .map(|_| vec![ended(approval, reason)])
        .ok_or_else(|| Refusal::new(format!("nothing waits for approval {approval}")))
}

/// Ends requests that nobody answered in time.
pub(super) fn expire(state: &mut State, at: At) -> Vec<Event> {
    let late: Vec<u64> =
        state.switches.requests.values().filter(|request| request.expires <= at).map(|r| r.approval).collect();
    late.iter().for_each(|approval| drop(state.switches.requests.remove(approval)));
    late.into_iter().map(|approval| ended(approval, "nobody approved it in time")).collect()
}

/// Ends every request: nothing is pulled in a room that closes, or blindly.
pub(in crate::engine) fn end_all(state: &mut State, reason: &str) -> Vec<Event> {
    std::mem::take(&mut state.switches.requests).into_keys().map(|approval| ended(approval, reason)).collect()
}

fn ended(approval: u64, reason: &str) -> Event {
    Event::Switch(SwitchEvent::ApprovalEnded { approval, reason: reason.to_owned() })
}
