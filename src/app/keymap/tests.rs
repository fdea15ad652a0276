use super::*;

#[test]
fn no_key_means_two_things_in_one_place() {
    Keymap::default().check().unwrap();
}

#[test]
fn the_documents_have_the_keys_of_the_table() {
    let map = Keymap::default();
    let (readme, keys) = (include_str!("../../../README.md"), include_str!("../../../docs/keys.md"));
    assert!(readme.contains(&map.summary()), "README.md is behind: cargo run --example keys");
    assert!(keys.contains(&map.markdown()), "docs/keys.md is behind: cargo run --example keys");
}

#[test]
fn every_key_of_the_table_is_one() {
    for binding in BINDINGS {
        for name in binding.keys.split_whitespace() {
            assert!(name.parse::<Key>().is_ok(), "{binding:?}");
        }
    }
}

#[test]
fn an_action_stands_in_a_place_once() {
    for (line, binding) in BINDINGS.iter().enumerate() {
        assert_eq!(line_named(&binding.place.name(), &binding.action.name()), Ok(line), "{binding:?}");
    }
}

#[test]
fn keys_of_everywhere_do_not_hide_those_of_a_place() {
    let map = Keymap::default();
    for place in P::ALL {
        for line in map.lines_at(*place) {
            for key in &map.0[line] {
                let owner = map.lines_at(*place).find(|other| map.0[*other].contains(key)).unwrap();
                assert_eq!(owner, line, "{} at {}", key.name(), place.name());
            }
        }
    }
}

#[test]
fn control_c_quits_everywhere() {
    let map = Keymap::default();
    for place in P::ALL {
        assert_eq!(map.action_of(Key::control('c'), *place), Some(A::Quit));
    }
}

fn named(place: &str, action: &str, keys: &[&str]) -> KeyNames {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    [(place.to_owned(), [(action.to_owned(), keys)].into())].into()
}

#[test]
fn a_key_can_be_given_to_another_action() {
    let map = Keymap::with(&named("runs", "delete", &["ctrl-d", "D"])).unwrap();
    assert_eq!(map.action_of(Key::control('d'), P::Runs), Some(A::Delete));
    assert_eq!(map.action_of(Key::letter('x'), P::Runs), None);
    assert_eq!(map.written(line_named("runs", "delete").unwrap()), "Ctrl-D D");
}

#[test]
fn what_cannot_be_given_a_key_is_said_with_what_can() {
    let said = |place, action, keys| Keymap::with(&named(place, action, keys)).unwrap_err();
    assert!(said("run", "sort", &["s"]).problem.contains("data-missing"));
    assert_eq!(said("run", "sort", &["s"]).path(), ["keys", "run"]);
    assert!(said("runs", "fly", &["s"]).problem.contains("inspect-run"));
    assert!(said("runs", "sort", &["ctrl"]).problem.contains("\"ctrl\" is no key"));
    assert_eq!(said("runs", "sort", &["ctrl"]).path(), ["keys", "runs", "sort"]);
    assert!(said("runs", "sort", &["i"]).problem.contains("i means both"));
}
