//! A node that is late itself: what it read then says nothing of an agency.

use super::house::{self, agency, participant, quota, settings};
use qaqpa::config::settings::{Agency, Line, Settings};
use qaqpa::proxy::admit::Admission;
use std::time::{Duration, Instant};

/// An agency that bears many calls at once, as far as its own times tell.
fn node() -> (Admission, Settings) {
    let agency = agency("http://127.0.0.1:1");
    let line = Line { is_adaptive: true, ..agency.line };
    let many = Agency { connections_max: 100, line, ..agency };
    let settings = settings(many, participant(quota(10_000, 10_000, 100)));
    (Admission::new(&settings), settings)
}

fn limit(admission: &Admission) -> usize {
    admission.levels().next().unwrap().1.limit
}

#[tokio::test]
async fn answers_that_a_late_node_read_late_take_no_places_from_their_agency() {
    let ((in_time, settings), (late, _)) = (node(), node());
    let participant = &*settings.participants[house::PARTICIPANT];
    let service = &*settings.services[house::SERVICE][0];
    let end = Instant::now() + Duration::from_secs(30);
    let mut permits = Vec::new();
    for node in [&in_time, &late] {
        let permit = node.admit(participant, service, end).await.unwrap();
        node.note(&permit, service, Some((Duration::from_millis(1), false)));
        permits.push(permit);
    }
    let before = limit(&late);
    assert_eq!(limit(&in_time), before);
    late.lag().saw(Duration::from_secs(1));
    // Answers are judged together after some time; both nodes read the same ones.
    while limit(&in_time) == before && Instant::now() < end {
        for (node, permit) in [&in_time, &late].into_iter().zip(&permits) {
            node.note(permit, service, Some((Duration::from_millis(500), false)));
        }
    }
    assert!(limit(&in_time) < before, "its agency has become slow");
    assert_eq!(limit(&late), before, "it only knows that it is late itself");
}
