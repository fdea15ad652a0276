//! Pickles by hand: what PyTorch writes, what Python could write, and what only an attacker would.

use proptest::prelude::*;

use super::*;

const DICT: &[u8] = b"ccollections\nOrderedDict\n)R";

/// `state_dict` of one tensor "w" of shape (2, 3) in protocol 2, in the manner of PyTorch.
fn state() -> Vec<u8> {
    let tensor = b"X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06tQK\0K\x02K\x03\x86K\x03K\x01\x86\x89";
    [b"\x80\x02", DICT, b"q\0(", tensor, DICT, b"tRu."].concat()
}

fn problem(bytes: &[u8]) -> String {
    Pickle::read(bytes).map(|_| ()).unwrap_err()
}

#[test]
fn a_state_dict_is_read_with_its_tensors() {
    let bytes = state();
    let pickle = Pickle::read(&bytes).unwrap();
    assert_eq!(pickle.length, bytes.len());
    let storage = Storage { key: "0", elements: Elements::Of(DType::F32), start: 0 };
    let tensor = Tensor { storage, offset: 0, shape: vec![2, 3], strides: vec![3, 1] };
    assert_eq!(pickle.tensors(&[]).unwrap(), [("w", &tensor)]);
    assert_eq!(pickle.storages().collect::<Vec<_>>(), [storage]);
}

#[test]
fn a_state_dict_within_dictionaries_is_found_and_one_within_itself_ends() {
    let whole = state();
    let inner = &whole[2..whole.len() - 1];
    let wrapped = [b"\x80\x02}(X\x05\0\0\0epochK\x03X\x05\0\0\0model}X\x0a\0\0\0state_dict", inner, b"su."].concat();
    let pickle = Pickle::read(&wrapped).unwrap();
    assert_eq!(pickle.tensors(&["state_dict", "model"]).unwrap()[0].0, "w");
    let ouroboros = b"\x80\x02}q\0X\x05\0\0\0modelh\0s.";
    assert_eq!(Pickle::read(ouroboros).unwrap().tensors(&["model"]).unwrap(), []);
}

#[test]
fn an_ordered_dict_of_pairs_and_one_with_a_state_are_dictionaries() {
    let pairs = [&b"(lp0\n(lp1\nS'w'\naI7\naa"[..], b"tp2\nRp3\n."].concat();
    let bytes = [b"ccollections\nOrderedDict\n(", &pairs[..]].concat();
    assert_eq!(Pickle::read(&bytes).unwrap().tensors(&[]).unwrap(), []);
    let with_state = [DICT, b"}X\x09\0\0\0_metadataK\x01sb."].concat();
    assert!(Pickle::read(&with_state).unwrap().tensors(&[]).is_some());
}

#[test]
fn numbers_are_read_in_every_spelling() {
    let spellings: [(&[u8], i128); 9] = [
        (b"I-7\n.", -7),
        (b"L123456789012345678901L\n.", 123_456_789_012_345_678_901),
        (b"K\xff.", 255),
        (b"M\xff\xff.", 65_535),
        (b"J\xff\xff\xff\xff.", -1),
        (b"\x8a\0.", 0),
        (b"\x8a\x02\0\x80.", -32_768),
        (b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", 0x1950_a86a_20f9_469c_fc6c),
        (b"\x8b\x01\0\0\0\x05.", 5),
    ];
    for (bytes, number) in spellings {
        assert_eq!(Pickle::read(bytes).unwrap().int(), Some(number), "{bytes:?}");
    }
    assert_eq!(Pickle::read(b"\x80\x02}X\x01\0\0\0a\x89s.").unwrap().flag("a"), Some(false));
    assert_eq!(Pickle::read(b"\x80\x04\x95\x04\0\0\0\0\0\0\0]\x94(\x8c\x01ae.").unwrap().texts().unwrap(), ["a"]);
}

#[test]
fn what_would_run_code_is_refused_by_its_name() {
    let attacks: [(&[u8], &str); 10] = [
        (b"cos\nsystem\n(S'touch marker'\ntR.", "os.system"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "builtins.eval"),
        (b"(S'touch marker'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'touch marker'\no.", "os.system"),
        (b"\x80\x02csubprocess\nPopen\n)\x81.", "subprocess.Popen"),
        (b"\x80\x02ctorch.storage\n_load_from_bytes\n.", "torch.storage._load_from_bytes"),
        (b"\x80\x02ctorch\nload\n.", "torch.load"),
        (b"\x80\x02\x82\x01.", "0x82"),
        (b"\x80\x02)}b.", "__setstate__"),
        (b"\x80\x02ccollections\nOrderedDict\n)R}ctorch.nn\nModule\nb.", "torch.nn.Module"),
    ];
    for (bytes, name) in attacks {
        let problem = problem(bytes);
        assert!(problem.starts_with("it would run code: ") && problem.contains(name), "{problem}");
    }
    let endless = [b"c", &b"a".repeat(100_000)[..], b"\nb\n."].concat();
    assert!(problem(&endless).len() < 200);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let nonsense: [&[u8]; 12] = [
        b"",
        b".",
        b"t.",
        b"(.",
        b"K\x01(0R.",
        b"\x80\x02h\x07.",
        b"]K\x01s.",
        b"}(K\x01u.",
        b"K\x01K\x02R.",
        b"ctorch\nFloatStorage\n)R.",
        b"ccollections\nOrderedDict\n]\x85R(e.",
        b"\xff.",
    ];
    for bytes in nonsense {
        assert!(Pickle::read(bytes).is_err() || Pickle::read(bytes).unwrap().tensors(&[]).is_none(), "{bytes:?}");
    }
}

#[test]
fn bombs_take_no_more_than_their_own_size_and_end() {
    // Lists of lists of the same list: 10^60 elements for whoever walks them.
    let mut laughs = b"\x80\x02]q\0".to_vec();
    for level in 0..60 {
        laughs.extend_from_slice(b"](");
        laughs.extend([b'h', level].repeat(10));
        laughs.extend_from_slice(&[b'e', b'q', level + 1]);
    }
    laughs.push(b'.');
    assert!(Pickle::read(&laughs).unwrap().items.len() <= 61);
    let deep = [&b"]".repeat(400_000)[..], b"."].concat();
    assert!(Pickle::read(&deep).is_ok());
    assert!(problem(&b"N".repeat(MOST_OPCODES + 1)).contains("steps"));
    // Numbers that promise more than there is.
    for bytes in [
        &b"X\xff\xff\xff\x7f."[..],
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x8b\xff\xff\xff\xff.",
        b"r\xff\xff\xff\xff.",
    ] {
        assert!(Pickle::read(bytes).is_err(), "{bytes:?}");
    }
    // A long list, given to many calls.
    let mut calls = b"\x80\x02](".to_vec();
    calls.extend(b"K\x01K\x02\x86".repeat(10_000));
    calls.extend_from_slice(b"e\x85q\0ccollections\nOrderedDict\nq\x01");
    calls.extend(b"h\x01h\0R".repeat(10_000));
    calls.push(b'.');
    assert!(Pickle::read(&calls).is_err(), "a list is used up by the first call");
}

/// What a pickle takes, in items and their parts.
fn size(pickle: &Pickle<'_>) -> usize {
    let parts = |item: &Item<'_>| match item {
        Item::Tuple(ids) | Item::List(ids) => ids.len(),
        Item::Dict(entries) => entries.len(),
        _ => 1,
    };
    pickle.items.iter().map(parts).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_end_without_a_panic_and_within_their_own_size(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(pickle) = Pickle::read(&bytes) {
            prop_assert!(size(&pickle) <= 2 * bytes.len());
        }
    }

    #[test]
    fn any_opcodes_do(codes in prop::collection::vec(prop::sample::select(b"(.012NIJKM}])tldaesu\x85\x86\x87\x88qhrjRQbcio\x81\x93\x94UX\0\x01\x02\nS".to_vec()), 0..300)) {
        if let Ok(pickle) = Pickle::read(&codes) {
            prop_assert!(size(&pickle) <= 2 * codes.len());
            _ = pickle.tensors(&["model"]);
        }
    }

    #[test]
    fn a_changed_state_dict_does(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = state();
        for (place, value) in changes {
            *place.get_mut(&mut bytes) = value;
        }
        if let Ok(pickle) = Pickle::read(&bytes) {
            prop_assert!(size(&pickle) <= 2 * bytes.len());
            _ = pickle.tensors(&["model"]);
        }
    }
}
