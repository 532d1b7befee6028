// The command line of bench/compare.mjs.
import { parseArgs } from 'node:util';
import { Failure, PEER_NAMES } from './peers.mjs';

export const HELP = `node bench/compare.mjs [options]

Benchmarks s2s against other programs on the same workload, all in turn, and prints a table in Markdown. The workloads
are described in bench/peer_*.py. Run nothing else on the machine: PyTorch's threads busy-wait for each other and become
many times slower when they share a core. A warning is printed if other programs use the CPU.

  --peers LIST      of ${PEER_NAMES.join(', ')}, or paths of scripts with the same options and JSON output
                    (default pytorch)
  --rounds N        runs of each program (default 3)
  --python PATH     Python that runs the peers, or NAME=PATH for one of them; repeatable. By default the one of the
                    peer's virtual environment, .venv for PyTorch, .venv-ctranslate2, .venv-pymarian
  --models LIST     default lstm,lstm-deep; with --decode also run directories of trained models
  --dtypes LIST     default float32,bfloat16; with --decode float32
  --device D        cpu (default) or gpu
  --decode          measure decoding instead of training
  --beam-size N     with --decode: beam size (default 1, greedy search)
  --source FILE     with --decode: use the sentence lengths of this tokenized text (output of s2s tokenize); a trained
                    model translates it
  --steps N         timed training steps, or passes over the sentences, per run
  --warmup N        warm-up steps or passes per run

A peer that refuses a workload, such as training with CTranslate2, is left out of its row.
`;

/**
 * @typedef {object} Options
 * @property {boolean} help
 * @property {number} rounds
 * @property {readonly string[]} peers
 * @property {(peer: string) => string | undefined} pythonOf the Python given for a peer
 * @property {readonly string[]} models
 * @property {readonly string[]} dtypes
 * @property {'cpu' | 'gpu'} device
 * @property {boolean} decode
 * @property {readonly string[]} passed options that all programs get
 */

/**
 * @param {readonly string[]} argv
 * @returns {Options}
 */
export function parseOptions(argv) {
  const text = /** @type {const} */ ({ type: 'string' });
  const flag = /** @type {const} */ ({ type: 'boolean', default: false });
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        peers: text,
        rounds: text,
        python: { ...text, multiple: true, default: [] },
        models: text,
        dtypes: text,
        device: text,
        decode: flag,
        'beam-size': text,
        source: text,
        steps: text,
        warmup: text,
        help: { ...flag, short: 'h' },
      },
    });
    const rounds = Number(values.rounds ?? 3);
    if (!Number.isInteger(rounds) || rounds < 1)
      throw new Error(`--rounds must be a whole number of at least 1, but is ${values.rounds}`);
    const device = values.device ?? 'cpu';
    if (device !== 'cpu' && device !== 'gpu') throw new Error(`--device must be cpu or gpu, but is ${device}`);
    const { decode } = values;
    for (const name of /** @type {const} */ (['beam-size', 'source']))
      if (values[name] !== undefined && !decode) throw new Error(`--${name} requires --decode`);
    const peers = (values.peers ?? 'pytorch').split(',');
    return {
      help: values.help,
      rounds,
      peers,
      pythonOf: pythons(values.python, peers),
      models: (values.models ?? 'lstm,lstm-deep').split(','),
      dtypes: (values.dtypes ?? (decode ? 'float32' : 'float32,bfloat16')).split(','),
      device,
      decode,
      passed: [
        ...(decode ? ['--decode'] : []),
        .../** @type {const} */ (['beam-size', 'source', 'steps', 'warmup']).flatMap((name) => {
          const value = values[name];
          return value === undefined ? [] : [`--${name}`, value];
        }),
      ],
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new Failure(`${reason}\nnode bench/compare.mjs --help shows the options.`, 2);
  }
}

/**
 * @param {readonly string[]} given values of --python
 * @param {readonly string[]} peers
 */
function pythons(given, peers) {
  /** @type {Map<string | undefined, string>} */
  const paths = new Map();
  for (const value of given) {
    const peer = peers.find((name) => value.startsWith(`${name}=`));
    paths.set(peer, peer === undefined ? value : value.slice(peer.length + 1));
  }
  return (/** @type {string} */ peer) => paths.get(peer) ?? paths.get(undefined);
}
