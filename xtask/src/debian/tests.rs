use super::configure;

#[test]
fn the_state_of_apt_stays_in_its_folder() {
    let text = configure("/place");
    for key in
        ["Dir::State ", "Dir::State::status ", "Dir::Cache ", "Dir::Etc "]
    {
        let line = text.lines().find(|line| line.starts_with(key));
        assert!(line.is_some_and(|line| line.contains("\"/place/")), "{key}");
    }
    assert!(text.lines().all(|line| line.ends_with(';')));
}
