"""ABC notation becomes signs, signs become notes, and notes become a MIDI file."""

import struct

import pytest

MODULE = "melodies"
TUNE = 'X:1\nR:reel\nK:D\n"D"d2{a}(3ABc .d[FA] |: ^g,2 ~f/ z2 :|1 _B/4 |]\n'


def test_signs_are_notes_rests_triplets_and_bars(module):
    assert module.read_signs(TUNE) == [
        "d2", "(3", "A", "B", "c", "d", "F", "A", "|", "^g,2", "f/", "z2", "|", "_B/4", "|",
    ]  # fmt: skip


def test_tunes_with_dotted_pairs_have_no_signs(module):
    assert module.read_signs("K:D\na>b|") == []


def test_only_tunes_of_the_type_and_key_are_fetched(module, put):
    folder = "music21/corpus/ryansMammoth/"
    other = TUNE.replace("K:D", "K:G").replace("d2", "e2")
    put("MUSIC21", {f"{folder}A.abc": TUNE, f"{folder}B.abc": TUNE, f"{folder}C.abc": other})
    (tune,) = module.fetch_melodies("reel", "D")
    assert tune[0] == "d2"
    assert module.fetch_melodies("jig", "D") == []


def test_the_key_and_the_signs_before_a_note_set_its_pitch(module):
    def pitches(signs, key):
        return [note.pitch for note in module.notes_of(signs.split(), key)]

    assert pitches("C c c' C, F", "C") == [60, 72, 84, 48, 65]
    assert pitches("C F f", "D") == [61, 66, 78]
    assert pitches("=F F | F", "D") == [65, 65, 66]  # until the end of the bar
    assert pitches("^g _B", "C") == [80, 70]


def test_lengths_rests_and_triplets_set_the_start_of_a_note(module):
    notes = module.notes_of("d2 z (3 A B c d/ e3/2 f".split(), "D")  # noqa: SIM905
    assert [note.start for note in notes] == pytest.approx([0, 3, 3 + 2 / 3, 3 + 4 / 3, 5, 5.5, 7])
    assert [note.length for note in notes] == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3, 0.5, 1.5, 1])


def test_a_midi_file_holds_every_note_with_its_start_and_end(module):
    content = module.midi(module.notes_of(["D", "D2"]), eighths_per_minute=120)
    assert content[:14] == b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)
    track = content[22:]
    assert content[14:22] == b"MTrk" + struct.pack(">I", len(track))
    assert track == bytes.fromhex(
        "00 ff 51 03 0f 42 40"  # a quarter is one second
        "00 90 3e 50  81 70 80 3e 50"  # 240 is 0x81 0x70
        "00 90 3e 50  83 60 80 3e 50"  # 480 is 0x83 0x60
        "00 ff 2f 00"
    )
