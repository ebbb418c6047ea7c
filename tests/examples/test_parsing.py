"""What the examples read by rules of their own, where real data would hide a mistake."""

import struct

import pytest

example_data, text_data, melodies = (
    pytest.mark.parametrize("module", [name], indirect=True)
    for name in ("example_data", "text_data", "melodies")
)


@example_data
def test_messages_that_an_open_quote_swallowed_come_back_with_their_own_labels(module):
    rows = ',spam,text\n0,0,hello\n1,0,"say ""yes\nspam\tyou won\nham\tno, thanks"\n2,1,hello\n'
    assert module.repair_sms(rows) == [
        ("hello", "ham"),
        ('say "yes', "ham"),
        ("you won", "spam"),
        ("no, thanks", "ham"),
        ("hello", "spam"),
    ]


@example_data
def test_a_tune_is_its_notes_without_header_fingering_and_bows(module):
    head = "X: 1\nT:A Reel\nR: Slipjig\nK:A\n"
    tune = 'vA2(Ac) "4"eA |\\\n% a comment\nN:an aside\n uF2 :|\n\n'
    assert module.parse_abc(head + tune) == ("A2(Ac) eA | F2 :|", "slip jig")


@example_data
def test_an_opening_bracket_that_is_too_near_or_too_far_does_not_count(module):
    code = " " * 120 + "(1234) [123] (" + "x" * 101 + ") {12345} ]) (12345)"
    found = [(text[-5:], bracket) for text, bracket in module._closing_brackets(code)]
    assert found == [("(1234", ")"), ("12345", "}"), ("12345", ")")]


@text_data
def test_of_a_mail_subject_and_text_are_read(module):
    parts = (
        b"Content-Type: multipart/mixed; boundary=XX\n\n"
        b'--XX\nContent-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n'
        b"PGI+w7w8L2I+\n--XX\nContent-Type: image/png\n\nnoise\n--XX--\n"
    )
    assert module.read_mail(parts) == "ü"
    odd = b"From: a@b.c\nSubject: x\nContent-Type: text/plain; charset=no-such-one\n\ncaf\xe9"
    assert module.read_mail(odd) == "x café"


@melodies
def test_signs_become_notes_and_notes_a_midi_file(module):
    def pitches(signs, key):
        return [note.pitch for note in module.notes_of(signs.split(), key)]

    tune = 'X:1\nR:reel\nK:D\n"D"d2{a}(3ABc .d[FA] |: ^g,2 ~f/ z2 :|1 _B/4 |]\n'
    assert " ".join(module.read_signs(tune)) == "d2 (3 A B c d F A | ^g,2 f/ z2 | _B/4 |"
    assert pitches("C c c' C, ^g _B", "C") == [60, 72, 84, 48, 80, 70]
    assert pitches("=F F | F", "D") == [65, 65, 66]  # until the end of the bar
    notes = module.notes_of("d2 z (3 A B c d/ e3/2 f".split(), "D")  # noqa: SIM905
    assert [note.start for note in notes] == pytest.approx([0, 3, 3 + 2 / 3, 3 + 4 / 3, 5, 5.5, 7])
    assert [note.length for note in notes] == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3, 0.5, 1.5, 1])
    content = module.midi(module.notes_of(["D", "D2"]), eighths_per_minute=120)
    track = bytes.fromhex(
        "00 ff 51 03 0f 42 40"  # a quarter is one second
        "00 90 3e 50  81 70 80 3e 50"  # 240 is 0x81 0x70
        "00 90 3e 50  83 60 80 3e 50"  # 480 is 0x83 0x60
        "00 ff 2f 00"
    )
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)
    assert content == head + b"MTrk" + struct.pack(">I", len(track)) + track
