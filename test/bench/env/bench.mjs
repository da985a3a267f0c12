/** Measures one world and prints its table; with the Python original it takes turns: ours, theirs, ours, theirs … */
import { bytesPerLiveState, cpuSeconds, timeOnce, timeOurs, usedBytes } from './measure.mjs';
import { printEquality, printHead, printRates, printSizes } from './print.mjs';
import { startPlayer } from './python.mjs';

const secondsOurs = 0.6;
const secondsTheirs = 2;
const liveOurs = 1000;

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
  const plays = Object.entries(await kind.record(world, tasks)).map(([name, play]) => ({ ...play, name, world }));
  printHead(kind, opened.result, tasks);
  const prepared = withPython ? await kind.specOf(plays, opened.result) : undefined;
  if (withPython && prepared === undefined)
    console.log('  the original does not play: its source or real data are not here');
  const player = prepared === undefined ? undefined : await startPlayer(kind.script, prepared.spec);
  let theirs;
  try {
    for (const [number, play] of plays.entries()) await benchPlay(kind, { ...play, number }, player);
    if (player !== undefined)
      theirs = { ...player.opened, ...(await player.ask({ do: 'live', play: 0, count: kind.liveOriginals })) };
  } finally {
    await player?.close();
    prepared?.remove();
  }
  printSizes({
    tasks: tasks.length,
    ours: {
      open: opened.cpu,
      loadPerTask: loaded.cpu / tasks.length,
      sharedBytes,
      bytesEach: bytesPerLiveState(plays[0], liveOurs),
      count: liveOurs,
    },
    theirs,
  });
}

/** Measures one set of recorded runs, taking turns with the original if it plays, and compares what both say. */
async function benchPlay(kind, play, player) {
  const ours = [];
  const theirs = [];
  time(kind, play, 0); // warms the just-in-time compiler
  for (let round = 1; round <= kind.rounds; round++) {
    ours.push(time(kind, play, round));
    if (player !== undefined) theirs.push(await player.ask({ do: 'play', play: play.number, seconds: secondsTheirs }));
  }
  printRates(kind, play, { ours, theirs });
  if (player === undefined || play.incomparable) return;
  const { episodes } = await player.ask({ do: 'observe', play: play.number });
  printEquality(play.runs.flatMap((run, i) => kind.compare(play.world, run, episodes[i])));
}

/** Times one round: what is recorded again and again, or what no round has played before. */
function time(kind, play, round) {
  if (play.unseen === undefined) return timeOurs(play, secondsOurs);
  const size = Math.floor(play.unseen.length / (kind.rounds + 1));
  return timeOnce({ world: play.world, runs: play.unseen.slice(round * size, (round + 1) * size) });
}

async function timed(work) {
  const before = cpuSeconds();
  const result = await work();
  return { result, cpu: cpuSeconds() - before };
}
