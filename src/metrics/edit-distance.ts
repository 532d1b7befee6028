/** Maximum distance of computed cells from the diagonal, as in tercom. */
const BEAM_WIDTH = 25;
/** Maximum number of cached cells per reference (8 MB), enough except for extremely long sentences. */
const MAX_CELLS = 1 << 21;
const FIRST_ROWS = 64;
/** Exceeds the cost of any path. */
const UNREACHED = 1 << 29;
/** Marks the absence of a row. Row 0 is never a child. */
const NONE = 0;

/** Alignment of a hypothesis with the reference by a minimum edit path. */
export interface Alignment {
  /** For each reference word, the index of the hypothesis word it is aligned with or follows; -1 before the first. */
  readonly positions: Int32Array;
  /** 1 for each reference word that is substituted or missing. */
  readonly referenceErrors: Uint8Array;
  /** 1 for each hypothesis word that is substituted or superfluous. */
  readonly hypothesisErrors: Uint8Array;
}

/**
 * Levenshtein distance between a reference and many reorderings of one hypothesis, computed only near the diagonal (the
 * beam of tercom). Reorderings share prefixes, so matrix rows are cached in a trie of hypothesis prefixes.
 *
 * Words are ids. Among edits of equal cost, substitution is preferred to a superfluous hypothesis word, and that to a
 * missing reference word.
 */
export class BeamEditDistance {
  private readonly width: number;
  private readonly ratio: number;
  private readonly beamWidth: number;
  private readonly maxRows: number;
  /** Costs [rows, reference length + 1]. Row 0 is that of the empty prefix. */
  private costs: Int32Array;
  /** For each row: its last word, its first child, its next sibling. */
  private words: Int32Array;
  private children: Int32Array;
  private siblings: Int32Array;
  private rows = 1;

  /** @param hypothesisLength length of all hypotheses */
  constructor(
    private readonly reference: Int32Array,
    private readonly hypothesisLength: number,
  ) {
    this.width = reference.length + 1;
    this.ratio = hypothesisLength === 0 ? 1 : reference.length / hypothesisLength;
    // With very different lengths, the beams of consecutive rows would not overlap.
    this.beamWidth = this.ratio / 2 > BEAM_WIDTH ? Math.ceil(this.ratio / 2 + BEAM_WIDTH) : BEAM_WIDTH;
    this.maxRows = Math.max(Math.floor(MAX_CELLS / this.width), hypothesisLength + 1);
    const capacity = Math.min(this.maxRows, Math.max(FIRST_ROWS, hypothesisLength + 1));
    this.costs = new Int32Array(capacity * this.width);
    this.words = new Int32Array(capacity);
    this.children = new Int32Array(capacity);
    this.siblings = new Int32Array(capacity);
    for (let j = 0; j < this.width; j++) this.costs[j] = j;
  }

  /** Minimum number of insertions, deletions and substitutions. */
  distance(hypothesis: Int32Array): number {
    this.ensureCapacity();
    let row = 0;
    for (let i = 0; i < hypothesis.length; i++) row = this.childRow(row, hypothesis[i]!, i + 1);
    return this.costs[(row + 1) * this.width - 1]!;
  }

  /** The alignment along a minimum edit path. */
  align(hypothesis: Int32Array): Alignment {
    this.ensureCapacity();
    const path = [0];
    for (let i = 0; i < hypothesis.length; i++) path.push(this.childRow(path[i]!, hypothesis[i]!, i + 1));
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

  /** Ensures capacity for the rows of one hypothesis by growing the arrays or, at `maxRows`, by clearing the cache. */
  private ensureCapacity(): void {
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

  /** The row of a prefix extended by one word, from the cache or computed. */
  private childRow(parent: number, word: number, i: number): number {
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

  /** Computes the row that starts at cell `row` from its parent, which starts at cell `above`. */
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
