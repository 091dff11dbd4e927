/** Reads JavaScript literals out of prose and broken code: missing commas, comments and unknown names do not stop it. */

const QUOTES = { "'": "'", '"': '"', '`': '`', '‘': '’', '“': '”' };
const WORDS = { true: true, false: false, null: null };
export const BLANK = '1001'; // what stands for an id that a page leaves for its reader to fill in
const UNKNOWN = Symbol('an expression that is not a literal');

class Reader {
  constructor(text, at) {
    this.text = text;
    this.at = at;
  }

  skip(pattern) {
    pattern.lastIndex = this.at;
    if (pattern.exec(this.text)) this.at = pattern.lastIndex;
  }

  /** Space, comments and separators between two values. */
  gap() {
    this.skip(/(?:[\s,;\u00a0]|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y);
  }

  string() {
    const close = QUOTES[this.text[this.at]];
    let value = '';
    for (this.at += 1; this.at < this.text.length && this.text[this.at] !== close && this.text[this.at] !== '\n'; this.at += 1) {
      if (this.text[this.at] === '\\') this.at += 1;
      value += this.text[this.at];
    }
    this.at += 1;
    return value;
  }

  /** Anything that is no literal, up to the separator after it; brackets inside are stepped over. */
  expression() {
    const begin = this.at;
    for (let depth = 0; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at];
      if (char in QUOTES) {
        this.string();
        this.at -= 1;
      } else if ('([{'.includes(char)) depth += 1;
      else if (depth && ')]}'.includes(char)) depth -= 1;
      else if (!depth && ',;)]}\n'.includes(char)) break;
    }
    if (this.at === begin) this.at += 1;
    const source = this.text.slice(begin, this.at).replace(/\/\/.*/, '').trim();
    this.named = /^[A-Z][A-Z\d_]+$/.test(source);
    if (Object.hasOwn(WORDS, source)) return WORDS[source];
    return source !== '' && Number.isFinite(Number(source)) ? Number(source) : UNKNOWN;
  }

  object() {
    const value = {};
    this.at += 1;
    for (this.gap(); this.at < this.text.length && this.text[this.at] !== '}'; this.gap()) {
      const begin = this.at;
      const quoted = this.text[this.at] in QUOTES;
      const key = quoted ? this.string() : (/[\w$-]+/y.exec(this.text.slice(begin))?.[0] ?? '');
      if (!quoted) this.at += key.length;
      this.gap();
      if (key && this.text[this.at] === ':') {
        this.at += 1;
        const item = this.value();
        if (item !== UNKNOWN) value[key] = item;
        else if (this.named && !/url|endpoint|host|domain/i.test(key)) value[key] = BLANK; // YOUR_ACCOUNT_ID
      } else if (this.at === begin || this.text[this.at] === '(') this.expression();
    }
    this.at += 1;
    return value;
  }

  array() {
    const value = [];
    this.at += 1;
    for (this.gap(); this.at < this.text.length && this.text[this.at] !== ']'; this.gap()) {
      if (this.text[this.at] === '}') break; // the bracket was forgotten
      const item = this.value();
      if (item !== UNKNOWN) value.push(item);
    }
    if (this.text[this.at] === ']') this.at += 1;
    return value;
  }

  value() {
    this.gap();
    const char = this.text[this.at];
    if (char === '{') return this.object();
    if (char === '[') return this.array();
    if (char in QUOTES) return this.string();
    return this.expression();
  }
}

/** The literal that begins at text[at], or undefined where none does. */
export function readLiteral(text, at) {
  const value = new Reader(text, at).value();
  return value === UNKNOWN ? undefined : value;
}

/** The last position before `at` where an opening brace stands unclosed; -1 where there is none. */
export function enclosingBrace(text, at) {
  let depth = 0;
  for (let i = at - 1; i >= 0; i -= 1) {
    if (text[i] === '}') depth += 1;
    else if (text[i] === '{' && depth-- === 0) return i;
  }
  return -1;
}
