/** Texts that are too long for one message, in pieces. */
import { EngineError, invalidRequest } from '../../../kernel/errors.js';
import { PIECE_CHARACTERS_MAX } from '../../../messages/external-learner.js';

/** Pieces of at most PIECE_CHARACTERS_MAX UTF-16 units; no character is cut in two. At least one. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  do {
    let to = Math.min(text.length, from + PIECE_CHARACTERS_MAX);
    const last = text.charCodeAt(to - 1);
    if (to < text.length && last >= 0xd800 && last <= 0xdbff) to--;
    pieces.push(text.slice(from, to));
    from = to;
  } while (from < text.length);
  return pieces;
}

/** The one text that a learner is sending; a new one takes the place of one that was not finished. */
export class Upload {
  readonly #charactersMax: number;
  #id: string | undefined;
  #pieces: string[] = [];
  #characters = 0;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  /**
   * Takes a piece and gives the characters so far; a repeat of the last piece changes nothing. Throws InvalidRequest
   * `UPLOAD_OUT_OF_ORDER` or `UPLOAD_TOO_LARGE`.
   */
  take(id: string, part: number, text: string): number {
    if (part === 0 && !(this.#id === id && this.#pieces.length === 1 && this.#pieces[0] === text)) {
      this.#id = id;
      this.#pieces = [];
      this.#characters = 0;
    }
    if (this.#id !== id || part > this.#pieces.length) throw outOfOrder(id, this.#id === id ? this.#pieces.length : 0);
    if (part < this.#pieces.length) {
      if (this.#pieces[part] === text) return this.#characters;
      throw outOfOrder(id, this.#pieces.length);
    }
    if (this.#characters + text.length > this.#charactersMax)
      throw invalidRequest('UPLOAD_TOO_LARGE', `An upload may have ${this.#charactersMax} characters.`, 'text');
    this.#pieces.push(text);
    return (this.#characters += text.length);
  }

  /** The text itself, or the upload that a request names. Throws InvalidRequest `UPLOAD_UNKNOWN`. */
  textOf(field: string, text: string | undefined, id: string | undefined): string {
    return this.piecesOf(field, text, id).join('');
  }

  /** The same in pieces, of which none is longer than what a message takes. */
  piecesOf(field: string, text: string | undefined, id: string | undefined): readonly string[] {
    if ((text === undefined) === (id === undefined))
      throw invalidRequest('INVALID_REQUEST', `Exactly one of ${field} and upload must be given.`, field);
    if (text !== undefined) return [text];
    if (id !== this.#id)
      throw new EngineError('InvalidRequest', 'UPLOAD_UNKNOWN', `There is no upload ${id}: send it again.`, {
        field: 'upload',
      });
    return [...this.#pieces];
  }

  /** Once it has been used. */
  drop(id: string | undefined): void {
    if (id === undefined || id !== this.#id) return;
    this.#id = undefined;
    this.#pieces = [];
    this.#characters = 0;
  }
}

const outOfOrder = (id: string, expected: number): EngineError =>
  invalidRequest(
    'UPLOAD_OUT_OF_ORDER',
    `Upload ${id} goes on with part ${expected}, or begins anew with part 0.`,
    'part',
  );
