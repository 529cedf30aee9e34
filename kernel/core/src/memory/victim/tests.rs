use super::{Candidate, choose};

/// Chooses among `(id, parent, group, weight)`; the id.
fn chosen(processes: &[(u32, u32, u32, u64)]) -> Option<u32> {
    let make =
        |&(id, parent, group, weight)| Candidate { id, parent, group, weight };
    let candidates: Vec<_> = processes.iter().map(make).collect();
    choose(&candidates).map(|index| candidates[index].id)
}

#[test]
fn nobody_is_chosen_of_none() {
    assert_eq!(chosen(&[]), None);
}

#[test]
fn the_largest_dies_and_the_youngest_of_equals() {
    assert_eq!(chosen(&[(2, 1, 2, 10), (3, 1, 3, 30), (4, 1, 4, 20)]), Some(3));
    assert_eq!(chosen(&[(2, 1, 2, 10), (7, 1, 2, 10), (4, 1, 2, 9)]), Some(7));
}

#[test]
fn a_large_group_of_small_processes_loses_one_of_its_own() {
    let mut all = vec![(2, 1, 2, 500)];
    all.extend((10..110).map(|id| (id, 1, 10, 8 + u64::from(id % 2))));
    assert_eq!(chosen(&all), Some(109));
}

#[test]
fn a_shell_outlives_its_many_jobs() {
    let mut all = vec![(2, 1, 2, 500)];
    all.extend((10..110).map(|id| (id, 2, id, 8)));
    assert_eq!(chosen(&all), Some(109));
    // And the jobs of a job.
    all.push((200, 109, 200, 3));
    all.push((201, 109, 200, 6));
    assert_eq!(chosen(&all), Some(201));
}

#[test]
fn a_process_outlives_the_many_children_of_its_light_child() {
    let mut all = vec![(2, 1, 2, 40), (3, 2, 2, 1)];
    all.extend((10..110).map(|id| (id, 3, id, 8)));
    // Those that have not left its group yet make that the heaviest.
    all.extend((110..120).map(|id| (id, 3, 2, 8)));
    assert_eq!(chosen(&all), Some(119));
}

#[test]
fn a_search_goes_through_many_generations() {
    let mut all: Vec<_> = (2..50_000).map(|id| (id, id - 1, id, 1)).collect();
    all[0].3 = 2;
    // The last but one does not weigh less than its only descendant.
    assert_eq!(chosen(&all), Some(49_998));
    all[20_000].3 = 100_000;
    assert_eq!(chosen(&all), Some(all[20_000].0));
}

#[test]
fn a_large_parent_of_small_children_dies_itself() {
    assert_eq!(chosen(&[(2, 1, 2, 500), (3, 2, 2, 100)]), Some(2));
}

#[test]
fn relations_in_a_circle_end() {
    let all = [(2, 3, 2, 5), (3, 2, 2, 6)];
    assert!(chosen(&all).is_some());
}
