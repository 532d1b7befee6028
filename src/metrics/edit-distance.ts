/** Cells this far from the diagonal are left out, as in tercom. */
const BEAM_WIDTH = 25;
/** Cells of the rows kept for one reference: 8 MB, enough for all candidates but of the very longest sentences. */
const MAX_CELLS = 1 << 21;
const FIRST_ROWS = 64;
/** A cost that no path has. */
const UNREACHED = 1 << 29;
/** No row. */
const NONE = 0;

/** How a hypothesis aligns with the reference in the cheapest edit. */
export interface Alignment {
  /** For each word of the reference the position of the hypothesis word that it is aligned with or follows; -1 before the first. */
  readonly positions: Int32Array;
  /** 1 for each reference word that is not met. */
  readonly referenceErrors: Uint8Array;
  /** 1 for each hypothesis word that is wrong. */
  readonly hypothesisErrors: Uint8Array;
}

/**
 * Levenshtein distance from a reference to the many reorderings of one hypothesis, near the diagonal of the matrix only
 * (the beam of tercom). Reorderings share most of their beginnings, so the rows of all beginnings seen so far are kept in
 * a tree: a row belongs to some first words, and its children to one word more.
 *
 * Words are numbers. Of edits of equal cost a substitution goes before a surplus word, and that before a missing one.
 */
export class BeamEditDistance {
  private readonly width: number;
  private readonly ratio: number;
  private readonly beamWidth: number;
  private readonly maxRows: number;
  /** Costs of row r by number of reference words, from `r * width`. Row 0 stands before the first word. */
  private costs: Int32Array;
  /** By row: its last word, its first child, the next child of its parent. */
  private words: Int32Array;
  private children: Int32Array;
  private siblings: Int32Array;
  private rows = 1;

  /** @param hypothesisLength words of each hypothesis that will be asked for */
  constructor(
    private readonly reference: Int32Array,
    private readonly hypothesisLength: number,
  ) {
    this.width = reference.length + 1;
    this.ratio = hypothesisLength === 0 ? 1 : reference.length / hypothesisLength;
    // Very unlike lengths would leave a gap between the beams of two rows.
    this.beamWidth = this.ratio / 2 > BEAM_WIDTH ? Math.ceil(this.ratio / 2 + BEAM_WIDTH) : BEAM_WIDTH;
    this.maxRows = Math.max(Math.floor(MAX_CELLS / this.width), hypothesisLength + 1);
    const capacity = Math.min(this.maxRows, Math.max(FIRST_ROWS, hypothesisLength + 1));
    this.costs = new Int32Array(capacity * this.width);
    this.words = new Int32Array(capacity);
    this.children = new Int32Array(capacity);
    this.siblings = new Int32Array(capacity);
    for (let j = 0; j < this.width; j++) this.costs[j] = j;
  }

  /** Least number of insertions, deletions and substitutions. */
  distance(hypothesis: Int32Array): number {
    this.makeRoom();
    let row = 0;
    for (let i = 0; i < hypothesis.length; i++) row = this.rowAfter(row, hypothesis[i]!, i + 1);
    return this.costs[(row + 1) * this.width - 1]!;
  }

  /** The alignment of the edit of least cost. */
  align(hypothesis: Int32Array): Alignment {
    this.makeRoom();
    const path = [0];
    for (let i = 0; i < hypothesis.length; i++) path.push(this.rowAfter(path[i]!, hypothesis[i]!, i + 1));
    const { reference, costs, width } = this;
    const positions = new Int32Array(reference.length);
    const referenceErrors = new Uint8Array(reference.length);
    const hypothesisErrors = new Uint8Array(hypothesis.length);
    let i = hypothesis.length;
    let j = reference.length;
    while (i > 0 || j > 0) {
      const cost = costs[path[i]! * width + j]!;
      const above = i === 0 ? undefined : path[i - 1]! * width + j;
      const isError = hypothesis[i - 1] === reference[j - 1] ? 0 : 1;
      if (above !== undefined && j > 0 && costs[above - 1]! + isError === cost) {
        positions[j - 1] = i - 1;
        referenceErrors[j - 1] = isError;
        hypothesisErrors[i - 1] = isError;
        i--;
        j--;
      } else if (above !== undefined && costs[above]! + 1 === cost) {
        hypothesisErrors[i - 1] = 1;
        i--;
      } else {
        positions[j - 1] = i - 1;
        referenceErrors[j - 1] = 1;
        j--;
      }
    }
    return { positions, referenceErrors, hypothesisErrors };
  }

  /** Room for the rows of one hypothesis: in larger arrays, or in place of all rows. */
  private makeRoom(): void {
    const needed = this.rows + this.hypothesisLength;
    if (needed <= this.words.length) return;
    if (needed > this.maxRows) {
      this.rows = 1;
      this.children[0] = NONE;
      return;
    }
    const capacity = Math.min(this.maxRows, 2 * needed);
    const enlarge = (array: Int32Array, size: number): Int32Array => {
      const larger = new Int32Array(size);
      larger.set(array);
      return larger;
    };
    this.costs = enlarge(this.costs, capacity * this.width);
    this.words = enlarge(this.words, capacity);
    this.children = enlarge(this.children, capacity);
    this.siblings = enlarge(this.siblings, capacity);
  }

  /** The row for one word more, from the tree or computed. */
  private rowAfter(parent: number, word: number, i: number): number {
    const { words, children, siblings } = this;
    for (let row = children[parent]!; row !== NONE; row = siblings[row]!) {
      if (words[row] === word) return row;
    }
    const row = this.rows++;
    words[row] = word;
    siblings[row] = children[parent]!;
    children[parent] = row;
    children[row] = NONE;
    this.computeRow(parent * this.width, row * this.width, word, i);
    return row;
  }

  /** Fills the row that starts at cell `row` from the one that starts at `above`. */
  private computeRow(above: number, row: number, word: number, i: number): void {
    const { reference, beamWidth, costs, width } = this;
    costs.fill(UNREACHED, row, row + width);
    const diagonal = Math.floor(i * this.ratio);
    const end = i === this.hypothesisLength ? width : Math.min(width, diagonal + beamWidth);
    let j = Math.max(0, diagonal - beamWidth);
    if (j === 0) costs[row + j++] = costs[above]! + 1;
    let left = costs[row + j - 1]!;
    let corner = costs[above + j - 1]!;
    for (; j < end; j++) {
      const top = costs[above + j]!;
      const substitution = reference[j - 1] === word ? corner : corner + 1;
      const shorter = (left < top ? left : top) + 1;
      left = Math.min(substitution < shorter ? substitution : shorter, UNREACHED);
      costs[row + j] = left;
      corner = top;
    }
  }
}
