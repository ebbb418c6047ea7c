"""Melodies as signs of ABC notation, as notes of a pitch and a length, and as MIDI files."""

import re
import struct
from dataclasses import dataclass

from example_data import MUSIC21
from fetching import open_wheel

SIGN = re.compile(r"\(3|[_^=]*[A-Ga-gz][,']*\d*/?\d*|\|")
HALF_TONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
SHARPS = {"C": "", "G": "f", "D": "fc", "A": "fcg", "E": "fcgd"}  # notes raised in a key


@dataclass(frozen=True)
class Note:
    """A note: pitch as MIDI counts it (60 is middle C), start and length in eighths."""

    pitch: int
    start: float
    length: float


def fetch_melodies(kind: str = "reel", key: str = "D") -> list[list[str]]:
    """Return the signs of all tunes of one type and key, for instance ``["A2", "d", "|"]``.

    The length 1 is that of most notes. Ornaments, chords, slurs and repeats are left out. Of equal
    tunes the first stays. Tunes with dotted pairs (``a>b``) are left out.

    Source: "Ryan's mammoth collection", Boston 1883, typed by Ray Davies; the copy in music21
    10.5.1 (Cuthbert and Ariza, "music21", ISMIR 2010).
    """
    tunes = []
    with open_wheel(MUSIC21) as wheel:
        for name in sorted(wheel.namelist()):
            if name.startswith("music21/corpus/ryansMammoth/") and name.endswith(".abc"):
                content = wheel.read(name).decode()
                fields = dict(re.findall(r"^([RK]):\s*(\S+)", content, re.MULTILINE))
                if fields.get("R", "").lower() == kind and fields.get("K") == key:
                    tunes.append(tuple(read_signs(content)))
    return [list(tune) for tune in dict.fromkeys(tunes) if tune]


def read_signs(content: str) -> list[str]:
    """Return the signs of a tune in ABC notation; none if it has dotted pairs."""
    lines = [line for line in content.splitlines() if not re.match(r"[A-Za-z]:|%|\s*$", line)]
    notes = re.sub(r'"[^"]*"|\{[^}]*\}|![^!]*!|\[\d|\|\d', " ", " ".join(lines))
    if re.search("[<>]", notes):
        return []
    signs = SIGN.findall(re.sub(r"[|:\[\]]*[|:][|:\[\]]*", "|", notes))
    bars = [sign for i, sign in enumerate(signs) if sign != "|" or (i and signs[i - 1] != "|")]
    return [sign for sign in bars if sign]


def notes_of(signs: list[str], key: str = "D") -> list[Note]:
    """Return the notes of a melody; rests are silent."""
    notes: list[Note] = []
    start, triplet = 0.0, 0
    accidentals: dict[str, int] = {}  # they last until the end of the bar
    for sign in signs:
        if sign == "|":
            accidentals.clear()
        elif sign == "(3":
            triplet = 3
        else:
            marks, letter, octaves, count, slash, parts = re.fullmatch(
                r"([_^=]*)([A-Ga-gz])([,']*)(\d*)(/?)(\d*)", sign
            ).groups()
            length = int(count or 1) / (int(parts or 2) if slash else 1)
            length, triplet = (length * 2 / 3, triplet - 1) if triplet else (length, 0)
            if letter != "z":
                if marks:
                    accidentals[letter] = marks.count("^") - marks.count("_")
                raised = accidentals.get(letter, int(letter.lower() in SHARPS[key]))
                octave = 5 * 12 + 12 * letter.islower()
                octave += 12 * (octaves.count("'") - octaves.count(","))
                notes.append(Note(octave + HALF_TONES[letter.lower()] + raised, start, length))
            start += length
    return notes


def midi(notes: list[Note], eighths_per_minute: int = 400) -> bytes:
    """Return a MIDI file with one track (Standard MIDI Files 1.0)."""
    ticks = 240  # of an eighth
    events = [(round(ticks * note.start), 0x90, note.pitch) for note in notes]
    events += [(round(ticks * (note.start + note.length)), 0x80, note.pitch) for note in notes]
    tempo = round(60_000_000 / (eighths_per_minute / 2))  # microseconds of a quarter
    track = b"\x00\xff\x51\x03" + tempo.to_bytes(3, "big")
    now = 0
    for time, kind, pitch in sorted(events):  # at the same time, an end is before a start
        track += _variable_length(time - now) + bytes([kind, pitch, 80])
        now = time
    track += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 2 * ticks)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


def _variable_length(number: int) -> bytes:
    """Return a number in groups of seven bits; all but the last have the highest bit set."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(0x80 | number & 0x7F)
    return bytes(reversed(groups))
