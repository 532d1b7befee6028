/** Cells this far from the diagonal are left out, as in tercom. */
const BEAM_WIDTH = 25;
/** Rows kept for one reference, at most. */
const MAX_CACHED_ROWS = 10000;
/** A cost that no path has. */
const UNREACHED = 1 << 29;

/** How a hypothesis aligns with the reference in the cheapest edit. */
export interface Alignment {
  /** For each word of the reference the position of the hypothesis word that it is aligned with or follows; -1 before the first. */
  readonly positions: Int32Array;
  /** 1 for each reference word that is not met. */
  readonly referenceErrors: Uint8Array;
  /** 1 for each hypothesis word that is wrong. */
  readonly hypothesisErrors: Uint8Array;
}

/** The row of the distance matrix after some first words of a hypothesis, and the rows for one word more. */
interface Row {
  /** Cost by number of reference words. */
  readonly costs: Int32Array;
  readonly next: Map<number, Row>;
}

/**
 * Levenshtein distance from a reference to the many reorderings of one hypothesis, near the diagonal of the matrix only
 * (the beam of tercom), with the rows of all beginnings seen so far kept in a tree: reorderings share most of them.
 *
 * Words are numbers. Of edits of equal cost a substitution goes before a surplus word, and that before a missing one.
 */
export class BeamEditDistance {
  private readonly first: Row;
  private readonly ratio: number;
  private readonly beamWidth: number;
  private cachedRows = 0;

  /** @param hypothesisLength words of each hypothesis that will be asked for */
  constructor(
    private readonly reference: Int32Array,
    private readonly hypothesisLength: number,
  ) {
    this.first = { costs: Int32Array.from({ length: reference.length + 1 }, (_, j) => j), next: new Map() };
    this.ratio = hypothesisLength === 0 ? 1 : reference.length / hypothesisLength;
    // Very unlike lengths would leave a gap between the beams of two rows.
    this.beamWidth = this.ratio / 2 > BEAM_WIDTH ? Math.ceil(this.ratio / 2 + BEAM_WIDTH) : BEAM_WIDTH;
  }

  /** Least number of insertions, deletions and substitutions. */
  distance(hypothesis: Int32Array): number {
    let row = this.first;
    for (let i = 0; i < hypothesis.length; i++) row = this.rowAfter(row, hypothesis[i]!, i + 1);
    return row.costs[this.reference.length]!;
  }

  /** The alignment of the edit of least cost. */
  align(hypothesis: Int32Array): Alignment {
    const rows = [this.first];
    for (let i = 0; i < hypothesis.length; i++) rows.push(this.rowAfter(rows[i]!, hypothesis[i]!, i + 1));
    const positions = new Int32Array(this.reference.length);
    const referenceErrors = new Uint8Array(this.reference.length);
    const hypothesisErrors = new Uint8Array(hypothesis.length);
    let i = hypothesis.length;
    let j = this.reference.length;
    while (i > 0 || j > 0) {
      const costs = rows[i]!.costs;
      const above = rows[i - 1]?.costs;
      const isError = i === 0 || j === 0 || hypothesis[i - 1] !== this.reference[j - 1] ? 1 : 0;
      if (above !== undefined && j > 0 && above[j - 1]! + isError === costs[j]) {
        positions[j - 1] = i - 1;
        referenceErrors[j - 1] = isError;
        hypothesisErrors[i - 1] = isError;
        i--;
        j--;
      } else if (above !== undefined && above[j]! + 1 === costs[j]) {
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

  /** The row for one word more, from the tree or computed. */
  private rowAfter(row: Row, word: number, i: number): Row {
    const known = row.next.get(word);
    if (known !== undefined) return known;
    const next = { costs: this.computeRow(row.costs, word, i), next: new Map<number, Row>() };
    if (this.cachedRows < MAX_CACHED_ROWS) {
      row.next.set(word, next);
      this.cachedRows++;
    }
    return next;
  }

  private computeRow(above: Int32Array, word: number, i: number): Int32Array {
    const { reference, beamWidth } = this;
    const costs = new Int32Array(reference.length + 1).fill(UNREACHED);
    const diagonal = Math.floor(i * this.ratio);
    const end = i === this.hypothesisLength ? reference.length + 1 : Math.min(reference.length + 1, diagonal + beamWidth);
    let j = Math.max(0, diagonal - beamWidth);
    if (j === 0) costs[j++] = above[0]! + 1;
    for (; j < end; j++) {
      let cost = above[j - 1]! + (reference[j - 1] === word ? 0 : 1);
      if (above[j]! + 1 < cost) cost = above[j]! + 1;
      if (costs[j - 1]! + 1 < cost) cost = costs[j - 1]! + 1;
      if (cost < UNREACHED) costs[j] = cost;
    }
    return costs;
  }
}
