"""Words of every script."""

# ruff: noqa: E501, RUF001 - sentences in many scripts

import re
import sys
from itertools import product
from unicodedata import category, name, normalize

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_lstm.text import words
from sklearn_lstm.text.words import LOWERED_IN_CONTEXT, is_character, words_of
from sklearn_lstm.vectorizer import TextSequenceVectorizer

# The first article of the Universal Declaration of Human Rights. United Nations, in the
# translations that the Unicode Consortium collects: https://www.unicode.org/udhr/
SPACED = {
    "English": "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.",
    "French": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
    "Vietnamese": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi. Mọi con người đều được tạo hoá ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình bằng hữu.",
    "Greek (polytonic)": "Ὅλοι οἱ ἄνθρωποι γεννιοῦνται ἐλεύθεροι καὶ ἴσοι στὴν ἀξιοπρέπεια καὶ τὰ δικαιώματα. Εἶναι προικισμένοι μὲ λογικὴ καὶ συνείδηση, καὶ ὀφείλουν νὰ συμπεριφέρονται μεταξύ τους μὲ πνεῦμα ἀδελφοσύνης.",
    "Russian": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.",
    "Armenian": "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով։ Նրանք ունեն բանականություն ու խիղճ և միմյանց պետք է եղբայրաբար վերաբերվեն։",
    "Georgian": "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით. მათ მინიჭებული აქვთ გონება და სინდისი და ერთმანეთის მიმართ უნდა იქცეოდნენ ძმობის სულისკვეთებით.",
    "Arabic": "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميرًا وعليهم أن يعامل بعضهم بعضًا بروح الإخاء.",
    "Hebrew": "כל בני אדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, לפיכך חובה עליהם לנהוג איש ברעהו ברוח של אחוה.",
    "Hindi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है । उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए ।",
    "Bengali": "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে। তাঁদের বিবেক এবং বুদ্ধি আছে; সুতরাং সকলেরই একে অপরের প্রতি ভ্রাতৃত্বসুলভ মনোভাব নিয়ে আচরণ করা উচিত।",
    "Gujarati": "પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો જન્મથી સ્વતંત્ર અને સમાન હોય છે. તેમનામાં વિચારશક્તિ અને અંતઃકરણ હોય છે અને તેમણે પરસ્પર બંધુત્વની ભાવનાથી વર્તવું જોઇએ.",
    "Tamil": "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்; அவர்கள் மதிப்பிலும், உரிமைகளிலும் சமமானவர்கள், அவர்கள் நியாயத்தையும் மனச்சாட்சியையும் இயற்பண்பாகப் பெற்றவர்கள். அவர்கள் ஒருவருடனொருவர் சகோதர உணர்வுப் பாங்கில் நடந்துகொள்ளல் வேண்டும்.",
    "Telugu": "ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులును సమానులును నగుదురు. వారు వివేచన-అంతఃకరణ సంపన్నులగుటచే పరస్పరము భ్రాతృభావముతో వర్తింపవలయును.",
    "Tigrinya": "ብመንፅር ክብርን መሰልን ኩሎም ሰባት እንትውለዱ ነፃን ማዕሪን እዮም፡፡ ምስትውዓልን ሕልናን ዝተዓደሎም ብምዃኖም ንሕድሕዶም ብሕውነታዊ መንፈስ ክተሓላለዩ ኦለዎም፡፡",
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
}
UNSPACED = {
    "Chinese": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
    "Japanese": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ",
    "Lao": "ມະນຸດເກີດມາມີສິດເສລີພາບ ແລະ ສະເໝີໜ້າກັນໃນທາງກຽດຕິສັກ ແລະ ທາງສິດດ້ວຍມະນຸດມີສະຕິສຳປັດຊັນຍະ(ຮູ້ດີຮູ້ຊົ່ວ)ແລະມີມະໂນທຳຈື່ງຕ້ອງປະພຶດຕົນຕໍ່ກັນໃນທາງພີ່ນ້ອງ.",
    "Khmer": "មនុស្សទាំងអស់ កើតមកមានសេរីភាព និងសមភាព ក្នុងផ្នែកសេចក្ដីថ្លៃថ្នូរនិងសិទ្ធិ។ មនុស្ស មានវិចារណញ្ញាណនិងសតិសម្បជញ្ញៈជាប់ពីកំណើត ហើយគប្បីប្រព្រឹត្ដចំពោះគ្នាទៅវិញទៅមក ក្នុង ស្មារតីភាតរភាពជាបងប្អូន។",
    "Burmese": "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခါဖြင့် လည်းကောင်း၊ တူညီလွတ်လပ်သော အခွင့်အရေးများဖြင့် လည်းကောင်း၊ မွေးဖွားလာသူများ ဖြစ်သည်။ ထိုသူတို့၌ ပိုင်းခြား ဝေဖန်တတ်သော ဉာဏ်နှင့် ကျင့်ဝတ် သိတတ်သော စိတ်တို့ရှိကြ၍ ထိုသူတို့သည် အချင်းချင်း မေတ္တာထား၍ ဆက်ဆံကျင့်သုံးသင့်၏။",
    "Tibetan": "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་ཆེ་མཐོངས་དང༌། ཐོབ་ཐངགི་རང་དབང་འདྲ་མཉམ་དུ་ཡོད་ལ། ཁོང་ཚོར་རང་བྱུང་གི་བློ་རྩལ་དང་བསམ་ཚུལ་བཟང་པོ་འདོན་པའི་འོས་བབས་ཀྱང་ཡོད།",
}


def is_mark(character):
    return category(character).startswith("M")


def tokens_of(texts, **parameters):
    """Return the tokens that the fast way finds."""
    vectorizer = TextSequenceVectorizer(**parameters)
    return [row.tolist() for row in vectorizer.inverse_transform(vectorizer.fit_transform(texts))]


# --- the declaration


@pytest.mark.parametrize("language", SPACED)
def test_words_are_whole_between_spaces_and_punctuation(language):
    text = normalize("NFC", SPACED[language])
    is_punctuation = [category(character)[0] == "P" for character in text]
    spaced = "".join(
        f" {character} " if alone else character
        for character, alone in zip(text, is_punctuation, strict=True)
    )
    expected = spaced.replace("፡  ፡", "፡፡").split()
    assert words_of(text) == expected
    assert tokens_of([text], lowercase=False) == [expected]
    assert tokens_of([text]) == [[word.lower() for word in expected]]


@pytest.mark.parametrize("language", UNSPACED)
def test_each_letter_with_its_marks_is_a_token(language):
    text = UNSPACED[language]
    words = words_of(text)
    assert "".join(words) == normalize("NFC", "".join(text.split()))
    for word in words:
        assert not is_mark(word[0])
        bases = [character for character in word if not is_mark(character)]
        # The vowel sign am belongs to its letter.
        assert len([c for c in bases if c.isalpha() and c not in "ำຳ"]) <= 1
    assert tokens_of([text]) == [words]


# --- letters, marks, digits, emoji


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cafe\u0301 café", ["café", "café"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("مُحَمَّد", ["مُحَمَّد"]),
        ("שָׁלוֹם", [normalize("NFC", "שָׁלוֹם")]),
        ("می‌خواهم", ["می‌خواهم"]),
        ("l'e\u0301te\u0301 d’été", ["l'été", "d’été"]),
        ("หนังสือ น้ำ", ["ห", "นั", "ง", "สื", "อ", "น้ำ"]),
        ("ພາສາລາວ", ["ພ", "າ", "ສ", "າ", "ລ", "າ", "ວ"]),
        ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្", "មែ", "រ"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("བོད་ཡིག", ["བོ", "ད", "་", "ཡི", "ག"]),
        ("カ\u3099ギ ｶﾞ", ["ガ", "ギ", "ｶﾞ"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("時々〇", ["時", "々", "〇"]),
        ("\U00020000\U00020001", ["\U00020000", "\U00020001"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("漢字와 한글", ["漢", "字", "와", "한글"]),
        ("iphone手机 T恤 3月", ["iphone", "手", "机", "T", "恤", "3", "月"]),
        ("你好，世界！！", ["你", "好", "，", "世", "界", "！！"]),
        ("१२३ ٢٠٢٣ ๑๒๓ ２０ x² ½", ["१२३", "٢٠٢٣", "๑๒๓", "２０", "x²", "½"]),
        ("ปี๒๕๖๗", ["ปี", "๒๕๖๗"]),
        ("👨‍👩‍👧 ❤️ 👍🏽 🇫🇷 1️⃣", ["👨‍👩‍👧", "❤️", "👍🏽", "🇫🇷", "1️⃣"]),
        ("ok👍🏽ok 好❤️", ["ok", "👍🏽", "ok", "好", "❤️"]),
        ("สวัสดี\u200bครับ a\u200bb", ["ส", "วั", "ส", "ดี", "ค", "รั", "บ", "a", "b"]),
        ("\u0301a ' \u0301b '\u0301c", ["\u0301", "a", "'", "\u0301", "b", "'\u0301", "c"]),
        (
            "don't 'tis rock'n'roll a''b '",
            ["don't", "'", "tis", "rock'n'roll", "a", "''", "b", "'"],
        ),
        ("2.0 v1.10.2b gpl-3.0.", ["2", ".0", "v1", ".10", ".2b", "gpl", "-", "3", ".0", "."]),
        (
            "1..2 .5 5. a.1 1.a 1,5",
            ["1", "..", "2", ".", "5", "5", ".", "a", ".", "1", "1", ".", "a", "1", ",", "5"],
        ),
        (
            "版本2.0发 ٣.٣ 1\u0301.2 3.\u03014",
            ["版", "本", "2", ".0", "发", "٣", ".", "٣", "1\u0301", ".", "2", "3", ".\u0301", "4"],
        ),
        ("", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words
    assert tokens_of([text, "x"], lowercase=False)[0] == (words or ["<unk>"])


def test_lower_case_is_composed_too():
    # There are composed characters for the lower case of these only.
    texts = ["H\u0331 T\u0308 W\u030a", "ẖ ẗ ẘ"]
    assert tokens_of(texts) == [["ẖ", "ẗ", "ẘ"]] * 2
    assert tokens_of(texts, stop_words=["x"]) == [["ẖ", "ẗ", "ẘ"]] * 2


def words_by_the_rules(text):
    """Find words one character at a time, as the documentation has it."""
    words, kind, in_word = [], "blank", False
    for place, character in enumerate(text):
        last, after = kind, text[place + 1 : place + 2]
        if is_mark(character) or character in "\u200c\u200d\u0e33\u0eb3\uff9e\uff9f":
            kind = "symbol" if last in {"blank", "apostrophe"} else last
            in_word = in_word and last == kind
            joins = last != "blank"
        else:
            if character.isspace() or character == "\u200b":
                kind = "blank"
            elif character.isalnum() or character == "_":
                kind = "word"
                if is_unspaced_letter(character):
                    kind = "letter"
            else:
                kind = "apostrophe" if character in "'’" else "symbol"
            is_inner = kind == "apostrophe" and last == "word" and is_word_base(after)
            is_point = bool(re.fullmatch(r"[0-9]\.[0-9]", text[max(place - 1, 0) : place + 2]))
            if is_inner or is_point:
                kind = "word"
            symbols = {"symbol", "apostrophe"}
            joins = (kind == last != "letter" or {kind, last} <= symbols) and not is_point
        if kind != "blank":
            if joins:
                words[-1] += character
            else:
                words.append(character)
    return [normalize("NFC", word) for word in words]


def is_unspaced_letter(character):
    scripts = "CJK|IDEOGRAPHIC|HIRAGANA|(HALFWIDTH )?KATAKANA|HENTAIGANA|THAI|LAO|KHMER|MYANMAR"
    scripts += "|TIBETAN|TAI|NEW TAI LUE"
    is_letter = category(character) in {"Lo", "Lm", "Nl"}
    return is_letter and re.match(rf"({scripts})\b", name(character, ""))


def is_word_base(character):
    if not character or character in "\u0e33\u0eb3\uff9e\uff9f":
        return False
    return (character.isalnum() or character == "_") and not is_unspaced_letter(character)


MANY_SCRIPTS = st.text(
    st.sampled_from(
        list("aZ_é1.2٣ '’!।。\u0301\u0308\u3099\ufe0f\u200c\u200d\u200b\n你ガか\uff76\uff9e")
        + list("กำ้ລຳក្မဂ်ཀཱ한\u1112\u1161\u11abहिΣİH\u0331👍🏽❤Å\u212a\ud800")
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=500)
@given(st.lists(MANY_SCRIPTS | st.text(max_size=20), min_size=1, max_size=5))
def test_words_follow_the_rules(texts):
    for text in texts:
        assert words_of(text) == words_by_the_rules(text)
    fast = tokens_of(["x", *texts], lowercase=False)[1:]
    assert fast == [words_by_the_rules(text) or ["<unk>"] for text in texts]


@settings(deadline=None, max_examples=500)
@given(MANY_SCRIPTS)
def test_a_letter_that_is_a_token_is_one_character(text):
    for word in words_of(text):
        if is_unspaced_letter(word[0]) and word[0] not in "\u0e33\u0eb3\uff9e\uff9f":
            assert is_character(word)


@settings(deadline=None, max_examples=200)
@given(st.lists(MANY_SCRIPTS, min_size=1, max_size=5))
def test_composition_changes_no_token(texts):
    vectorizer = TextSequenceVectorizer().fit(["x", *texts])
    X = vectorizer.transform(texts)
    for form in ("NFC", "NFD"):
        other = vectorizer.transform([normalize(form, text) for text in texts])
        assert (other != X).nnz == 0


# --- the fast ways


def test_plain_characters_are_the_same_in_both_ways():
    plain = [c for c in map(chr, range(sys.maxunicode)) if words.PLAIN.fullmatch(c)]
    assert 1000 < len(plain) < 2000
    for character in plain:
        text = f"a{character}b {character}{character} '{character}'{character}1 1{character}2.3"
        assert words.PLAIN_WORDS.findall(text) == words_by_the_rules(text)


def test_every_character_that_composes_is_composed():
    characters = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if normalize("NFD", character) != character and not "가각" < character < "힣"
    ]
    assert len(characters) > 1000
    composed = [normalize("NFC", character) for character in characters]
    decomposed = [normalize("NFD", character) for character in characters]
    vectorizer = TextSequenceVectorizer(lowercase=False).fit([*composed, *composed])
    expected = vectorizer.transform(composed).toarray()
    for texts in (characters, decomposed):
        for text, row in zip(texts, expected, strict=True):  # each text by itself
            np.testing.assert_array_equal(vectorizer.transform([text]).toarray()[0], row)


@pytest.mark.parametrize("more", [["seven77", "eight888", "é"], ["日本", "aā", "eight888"]])
def test_more_words_than_the_table_has_slots_keep_their_own_ids(more):
    words = [*map("".join, product("abcdefghijklmnopq", repeat=4)), *more]
    assert len(words) > 1 << 16  # so many slots
    vectorizer = TextSequenceVectorizer().fit([" ".join(words)] * 2)
    assert len({*vectorizer.vocabulary_.values()}) == vectorizer.coverage_["n_tokens"] // 2
    X = vectorizer.transform([" ".join(words), *more])
    assert X.data.tolist() == [
        vectorizer.vocabulary_[token] for text in (*words, *more) for token in words_of(text)
    ]


def test_all_characters_but_those_named_are_lowered_one_by_one():
    for character in map(chr, range(sys.maxunicode + 1)):
        if character in LOWERED_IN_CONTEXT or "\ud800" <= character <= "\udfff":
            continue
        lowered = character.lower()
        assert len(lowered) == 1
        assert ("a" + character).lower() == "a" + lowered
        assert lowered.lower() == lowered
