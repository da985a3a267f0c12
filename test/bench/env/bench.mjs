/** Measures one world and prints its table; with the Python original it takes turns: ours, theirs, ours, theirs … */
import { bytesPerLiveState, cpuSeconds, timeOurs, usedBytes } from './measure.mjs';
import { printEquality, printHead, printRates, printSizes } from './print.mjs';
import { startPlayer } from './python.mjs';

const secondsOurs = 0.6;
const secondsTheirs = 2;
const live = { ours: 1000, theirs: 24 };

/**
 * Prints steps per second of one world, and of its original with the ratio.
 * @param kind A world of this folder: `open`, `choose`, `record`, `taskCount`, `rounds`, and for the original `script`, `specOf`, `compare`.
 */
export async function bench(kind, { withPython }) {
  const bytesBefore = usedBytes();
  const opened = await timed(() => kind.open());
  const { world } = opened.result;
  const tasks = kind.choose(world, kind.taskCount);
  const loaded = await timed(() => {
    for (const task of tasks) world.reset(task);
  });
  const sharedBytes = usedBytes() - bytesBefore;
  const plays = Object.entries(kind.record(world, tasks)).map(([name, runs]) => ({ name, world, runs }));
  printHead(kind, opened.result, tasks);
  let original;
  for (const play of plays) original = (await benchPlay(kind, play, opened.result, { withPython })) ?? original;
  printSizes({
    tasks: tasks.length,
    ours: {
      open: opened.cpu,
      loadPerTask: loaded.cpu / tasks.length,
      sharedBytes,
      bytesEach: bytesPerLiveState(plays[0], live.ours),
      count: live.ours,
    },
    theirs: original,
  });
}

/** Measures one set of recorded runs; returns what the original said about its loading and memory. */
async function benchPlay(kind, play, opened, { withPython }) {
  const prepared = withPython ? kind.specOf(play.runs, opened) : undefined;
  const player = prepared === undefined ? undefined : await startPlayer(kind.script, prepared.spec);
  try {
    const ours = [];
    const theirs = [];
    timeOurs(play, secondsOurs); // warms the just-in-time compiler
    for (let round = 0; round < kind.rounds; round++) {
      ours.push(timeOurs(play, secondsOurs));
      if (player !== undefined) theirs.push(await player.ask({ do: 'play', seconds: secondsTheirs }));
    }
    printRates(kind, play, { ours, theirs });
    if (player === undefined) return undefined;
    const { episodes } = await player.ask({ do: 'observe' });
    printEquality(play.runs.flatMap((run, i) => kind.compare(play.world, run, episodes[i])));
    return { ...player.opened, ...(await player.ask({ do: 'live', count: live.theirs })) };
  } finally {
    await player?.close();
    prepared?.remove?.();
  }
}

async function timed(work) {
  const before = cpuSeconds();
  const result = await work();
  return { result, cpu: cpuSeconds() - before };
}
