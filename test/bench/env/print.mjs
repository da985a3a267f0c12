/** The tables of the benchmark. A ratio is that of the medians of the rounds, which ours and theirs played in turns. */
import { median } from './measure.mjs';

/** Prints which world and data are measured. */
export function printHead(kind, { what }, tasks) {
  console.log(`\n${kind.title}: ${tasks.length} tasks of ${what}`);
  console.log(`  ${kind.includes}`);
}

/** Prints one block of rates: steps, steps with lists of actions, resets, whole episodes. */
export function printRates(kind, { name, runs }, { ours, theirs }) {
  const steps = runs.reduce((sum, run) => sum + run.actions.length, 0);
  const perEpisode = steps / runs.length;
  console.log(
    row([`  ${name}, ${runs.length} episodes, ${steps} steps`, 'ours', 'original', 'ratio', 'by wall clock']),
  );
  const their = {
    step: theirs.map((round) => ({ cpu: round.stepCpu / round.steps, wall: round.stepWall / round.steps })),
    reset: theirs.map((round) => ({ cpu: round.resetCpu / round.resets, wall: round.resetWall / round.resets })),
  };
  their.listed = kind.listsAlways ? their.step : [];
  for (const [key, label] of [
    ['step', 'steps alone'],
    ['listed', 'steps, each with the list of admissible actions'],
  ]) {
    const our = ours.map((round) => round[key]).filter(Boolean);
    if (our.length > 0) printPair(label, our, their[key], rate);
  }
  printPair(
    'resets of a loaded task',
    ours.map((round) => round.reset),
    their.reset,
    duration,
  );
  const list = ours[0].listed === undefined || !kind.listsAlways ? 'step' : 'listed';
  const whole = (resets, each) =>
    each.map((one, i) => ({ cpu: one.cpu + resets[i].cpu / perEpisode, wall: one.wall + resets[i].wall / perEpisode }));
  const our = whole(
    ours.map((round) => round.reset),
    ours.map((round) => round[list]),
  );
  printPair(
    `whole episodes: reset${list === 'listed' ? ', lists' : ''} and steps`,
    our,
    whole(their.reset, their.step),
    rate,
  );
}

function printPair(label, ours, theirs, show) {
  const of = (rounds, clock) => median(rounds.map((round) => round[clock]));
  const cells = [`    ${label}`, show(of(ours, 'cpu'))];
  if (theirs.length > 0) {
    const ratio = (clock) => `${significant(of(theirs, clock) / of(ours, clock))}×`;
    cells.push(show(of(theirs, 'cpu')), ratio('cpu'), ratio('wall'));
  }
  console.log(row(cells));
}

/** Prints how many answers of both worlds are the same, and the first that are not. */
export function printEquality(pairs) {
  for (const kind of new Set(pairs.map((pair) => pair.kind))) {
    const some = pairs.filter((pair) => pair.kind === kind);
    const different = some.filter(({ ours, theirs }) => ours !== theirs);
    console.log(`    ${kind} equal: ${some.length - different.length} of ${some.length}`);
    for (const { where, ours, theirs } of different.slice(0, Number(process.env.SPA_BENCH_DIFFERENCES ?? 2)))
      console.log(`      differ at ${where}\n        ours   ${shorten(ours)}\n        theirs ${shorten(theirs)}`);
  }
}

/** Prints times of loading and sizes in memory. */
export function printSizes({ tasks, ours, theirs }) {
  console.log(row(['  loading and memory', 'ours', 'original']));
  const line = (label, our, their) =>
    console.log(row([`    ${label}`, our, their].filter((cell) => cell !== undefined)));
  line('open the world (CPU time)', duration(ours.open), theirs && duration(theirs.shared));
  for (const [name, seconds] of Object.entries(theirs?.parts ?? {})) line(`  of which ${name}`, '', duration(seconds));
  line('load or compile a task, first time', duration(ours.loadPerTask), theirs && duration(theirs.loadPerTask));
  line(
    `shared, with these ${tasks} tasks loaded`,
    bytes(ours.sharedBytes),
    theirs && `${bytes(theirs.residentBytes)} RSS`,
  );
  line('each live episode beyond that', bytes(ours.bytesEach), theirs && bytes(theirs.bytesEach));
  line('  measured over so many', ours.count.toLocaleString('en'), theirs && String(theirs.count));
  if (theirs === undefined) return;
  const versions = Object.entries(theirs.versions).map(([name, version]) => `${name} ${version}`);
  console.log(`    original: ${versions.join(', ')}`);
}

const row = ([label, ...cells]) => label.padEnd(54) + cells.map((cell) => cell.padStart(15)).join('');
const rate = (seconds) => `${significant(1 / seconds)}/s`;
const significant = (value) =>
  value >= 100 ? Math.round(Number(value.toPrecision(3))).toLocaleString('en') : String(Number(value.toPrecision(3)));
const bytes = (count) => (count >= 1e6 ? `${significant(count / 1e6)} MB` : `${significant(count / 1e3)} kB`);
const shorten = (text) => (text.length > 300 ? `${text.slice(0, 300)} … (${text.length})` : text);

function duration(seconds) {
  if (seconds >= 1) return `${significant(seconds)} s`;
  return seconds >= 1e-3 ? `${significant(seconds * 1e3)} ms` : `${significant(seconds * 1e6)} µs`;
}
