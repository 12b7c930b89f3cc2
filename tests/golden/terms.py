"""Decodes terms/*.terms as docs/formats/terms.md says, and compares with their listings.

    terms.py SOURCE_DIR

Shares no line with the program; only the tables of the format are read from where they are kept.
"""
import pathlib
import re
import sys

GAP, NOWHERE = 256, 0
FIELDS = [("from", 0), ("to", 0), ("cc", 0), ("bcc", 0), ("subject", 1), ("list", 2),
          ("message-id", 2)]


class Tables:
    def __init__(self, source):
        words = source / "ingest/words"
        text = (words / "frequencies.c").read_text()
        self.separators = [s.replace('\\"', '"') for s in re.findall(
            r'"((?:[^"\\]|\\.)*)"', text[text.index("ingest_separators["):text.index("};")]
            .split("{", 1)[1])]
        self.kinds = [symbols(row) for row in self.rows(text, "kind_counts[")]
        self.separator_symbols = [symbols(row) for row in self.rows(text, "separator_counts[")]
        listed = (words / "common_words_list.c").read_text()
        listed = listed[listed.index("_list[] ="):]
        self.common = "".join(re.findall(r'"([^"]*)"', listed)).split()
        self.letters = letter_symbols(self.common)

    @staticmethod
    def rows(text, name):
        start = text.index("{", text.index(name))
        body = text[start:text.index("};", start)]
        return [[int(n) for n in row.split(",")] for row in re.findall(r"{([\d,\s]+)}", body)]


def symbols(counts):
    """Start of each symbol's places of 1,024, and the end."""
    total, starts = sum(counts), [0]
    for count in counts:
        starts.append(starts[-1] + 1 + count * (1024 - len(counts)) // total)
    return starts[:-1] + [1024]


def letter_number(letter):
    return ord(letter) - 48 + 27 if letter.isdigit() else ord(letter) - 97 + 1


def letter_symbols(common):
    counts = [[4] * 37 for _ in range(37)]
    for word in common:
        if word[0].isdigit():
            continue
        before = 0
        for number in [letter_number(letter) for letter in word] + [0]:
            counts[before][number] += 1
            before = number
    for before in [0] + list(range(27, 37)):
        for number in range(27, 37):
            counts[before][number] += 40
        if before:
            counts[before][0] += 80
    return [symbols(row) for row in counts]


class Chance:
    def __init__(self):
        self.probability, self.count = 1 << 15, 0


RATES = [43690, 26214, 18724, 14563, 11915, 10082, 8738, 7710, 6898, 6241, 5698, 5242, 4854, 4519,
         4228, 3971, 3744, 3542, 3360, 3196, 3048]


class Coder:
    def __init__(self, data):
        self.state, self.data, self.next = int.from_bytes(data[:4], "big"), data, 4
        assert self.state >= 1 << 16

    def advance(self, start, frequency, bits):
        self.state = frequency * (self.state >> bits) + (self.state & ((1 << bits) - 1)) - start
        if self.state < 1 << 16:
            self.state = self.state << 16 | int.from_bytes(self.data[self.next:self.next + 2],
                                                           "big")
            self.next += 2

    def bit(self, chance):
        of_true = min(max(chance.probability >> 4, 16), 4080)
        bit = (self.state & 4095) < of_true
        self.advance(0 if bit else of_true, of_true if bit else 4096 - of_true, 12)
        rate = RATES[chance.count]
        if bit:
            chance.probability += (65535 - chance.probability) * rate >> 16
        else:
            chance.probability -= chance.probability * rate >> 16
        chance.count = min(chance.count + 1, 20)
        return int(bit)

    def raw(self, bits):
        number = self.state & ((1 << bits) - 1)
        self.advance(number, 1, bits)
        return number

    def symbol(self, starts):
        place, symbol = self.state & 1023, 0
        while starts[symbol + 1] <= place:
            symbol += 1
        self.advance(starts[symbol], starts[symbol + 1] - starts[symbol], 10)
        return symbol

    def tree(self, chances, bits):
        node = 1
        for _ in range(bits):
            node = node << 1 | self.bit(chances[node])
        return node - (1 << bits)

    def rest(self, length, value=1):
        while length > 0:
            bits = min(length, 12)
            value = value << bits | self.raw(bits)
            length -= bits
        return value - 1

    def number(self, model):
        length = self.tree(model["lens"], 4)
        if length == 15:
            length += self.raw(4)
        if length == 0:
            return 0
        return self.rest(length - 1, 2 | self.bit(model["seconds"][length]))


def number_model():
    return {"lens": [Chance() for _ in range(16)], "seconds": [Chance() for _ in range(32)]}


class Decoder:
    def __init__(self, tables, data):
        self.tables, self.coder = tables, Coder(data)
        self.known, self.last = [], {}
        self.history, self.match, self.match_len = [None], NOWHERE, 0
        self.is_match = [Chance() for _ in range(16)]
        self.bytes = [[Chance() for _ in range(256)] for _ in range(16)]
        self.byte_count, self.counts, self.small, self.separator_len = [
            number_model() for _ in range(4)]
        self.cases, self.last_case = [[Chance() for _ in range(4)] for _ in range(4)], 0

    def gap(self, match=NOWHERE):
        self.history.append(None)
        self.match, self.match_len = match, 15 if match else 0

    def new_word(self, kind):
        if kind < 29:
            return self.tables.common[self.coder.rest(kind - 16)].encode()
        if kind == 29:
            letters, before = "", 0
            while before := self.coder.symbol(self.tables.letters[before]):
                letters += " abcdefghijklmnopqrstuvwxyz0123456789"[before]
            return letters.encode()
        word, before = b"", 0
        for _ in range(self.coder.number(self.byte_count) + 1):
            before = self.coder.tree(self.bytes[before & 15], 8)
            word += bytes([before])
        return word

    def unexpected(self):
        row = min(max(len(self.known).bit_length(), 1) - 1, 11)
        kind = self.coder.symbol(self.tables.kinds[row])
        if kind < 16:
            return self.coder.rest(kind + (self.coder.raw(4) if kind == 15 else 0))
        self.known.append(self.new_word(kind))
        return len(self.known) - 1

    def word(self):
        expected = self.history[self.match] if self.match and self.match < len(self.history) \
            else None
        is_match = expected is not None and self.coder.bit(self.is_match[self.match_len])
        number = expected if is_match else self.unexpected()
        self.history.append(number)
        if is_match:
            self.match, self.match_len = self.match + 1, min(self.match_len + 1, 15)
        else:
            self.match, self.match_len = self.last.get(number, NOWHERE), 0
        self.last[number] = len(self.history)
        return self.known[number]

    def separator(self, kind):
        symbol = self.coder.symbol(self.tables.separator_symbols[kind])
        if symbol < 31:
            return self.tables.separators[symbol].encode()
        return bytes(self.coder.raw(7) for _ in range(self.coder.number(self.separator_len)))

    def cased(self, word):
        if not re.fullmatch(rb"[a-z0-9]+", word) or word.isdigit():
            return word
        self.last_case = self.coder.tree(self.cases[self.last_case], 2)
        if self.last_case == 0:
            return word
        if self.last_case == 1:
            return word[:1].upper() + word[1:]
        if self.last_case == 2:
            return word.upper()
        return b"".join(bytes([c]).upper() if bytes([c]).isalpha() and self.coder.raw(1)
                        else bytes([c]) for c in word)

    def text(self, kind):
        count = self.coder.number(self.counts)
        if count == 0:
            return ""
        self.gap()
        text = self.separator(kind)
        for _ in range(count - 1):
            text += self.cased(self.word())
            text += self.separator(kind)
        return text.decode()

    def wide(self):
        high = self.coder.number(self.small)
        return high << 31 | self.coder.number(self.small)

    def words(self, match):
        position, words = 0, []
        self.gap(match)
        while count := self.coder.number(self.counts):
            for _ in range(count):
                words.append((position, self.word().decode()))
                position += 1
            position += GAP
            self.gap()
        return words


def listing(tables, data):
    assert data[0] == 1
    decoder = Decoder(tables, data[33:])
    date = decoder.wide()
    lines = [f"hash {data[1:33].hex()}", f"date {date >> 1 ^ -(date & 1)}",
             f"length {decoder.wide()}", f"marks {decoder.coder.number(decoder.small)}"]
    for name, kind in FIELDS:
        text = decoder.text(kind)
        lines += [f"{name} {text}"] if text else []
    for name, kind in [("reference", 2), ("filename", 1)]:
        for _ in range(decoder.coder.number(decoder.counts)):
            lines.append(f"{name} {decoder.text(kind)}")
    begin = len(decoder.history) + 1
    snippet = decoder.text(1)
    lines += [f"snippet {snippet}"] if snippet else []
    body = decoder.words(begin if len(decoder.history) > begin else NOWHERE)
    lines += [f"body {position} {word}" for position, word in body]
    lines += [f"attachment {position} {word}" for position, word in decoder.words(NOWHERE)]
    assert decoder.coder.state == 1 << 16 and decoder.coder.next == len(data) - 33
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    source_folder = pathlib.Path(sys.argv[1])
    format_tables = Tables(source_folder)
    assert len(format_tables.common) >= 4096 and len(format_tables.separators) == 31
    files = sorted((source_folder / "tests/golden/terms").glob("*.terms"))
    wrong = [f for f in files
             if listing(format_tables, f.read_bytes()) != f.with_suffix(".txt").read_text()]
    print("\n".join(f"{f.name}: decodes to something else" for f in wrong)
          or f"{len(files)} records decode as listed")
    sys.exit(1 if wrong or not files else 0)
