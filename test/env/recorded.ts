/** Recorded runs of the original expert in the real engine, and the games they were played in. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openGame, openingText, stepGame } from '../../src/env/alfworld/engine.ts';
import { compileGame, type GameText } from '../../src/env/alfworld/game.ts';
import { realRoot } from './support.ts';

/** One recorded run. */
export interface Recording {
  /** `<task>/<trial>` of the train split. */
  readonly game: string;
  readonly intro: string;
  readonly steps: readonly (readonly [action: string, observation: string])[];
}

const transcripts = join(realRoot, 'transcripts/eto_expert_train_gt_traj.jsonl.gz');
const archive = join(realRoot, 'train_all_3553_games.tar.xz');

/** True if the recorded runs and their games are there. */
export const hasRecordings = existsSync(transcripts) && existsSync(archive);

/** Reads every recorded run. */
export function readRecordings(): Recording[] {
  const lines = gunzipSync(readFileSync(transcripts)).toString('utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const row = JSON.parse(line) as { game: string; conversations: { value: string }[] }; // its README names these members
    const texts = row.conversations.map(({ value }) => value);
    const steps = texts.slice(1).flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 2] ?? ''] as const] : []));
    return { game: row.game, intro: texts[0]!, steps };
  });
}

/** What a replay found. */
export interface Replay {
  readonly steps: number;
  readonly equalObservations: number;
  readonly equalIntros: number;
  /** Runs won at their last step and not before. */
  readonly wonAtLastStep: number;
  /** Recorded games that are not in the archive. */
  readonly missing: readonly string[];
  /** The first few differences. */
  readonly differences: readonly string[];
}

/** Unpacks the games of the runs into a temporary folder, replays them, and removes the folder. */
export function replayRecordings(recordings: readonly Recording[]): Replay {
  const folder = mkdtempSync(join(tmpdir(), 'alfworld-games-'));
  try {
    const members = execFileSync('tar', ['-tJf', archive], { encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n');
    const memberOf = (game: string): string => `json_2.1.1/train/${game}/game.tw-pddl`;
    const present = new Set(members);
    const wanted = recordings.filter(
      ({ game }) => present.has(memberOf(game)) || existsSync(join(realRoot, memberOf(game))),
    );
    const fileOf = (game: string): string => join(present.has(memberOf(game)) ? folder : realRoot, memberOf(game));
    writeFileSync(
      join(folder, 'members'),
      wanted
        .map(({ game }) => memberOf(game))
        .filter((member) => present.has(member))
        .join('\n'),
    );
    execFileSync('tar', ['-xJf', archive, '-C', folder, '-T', join(folder, 'members')]);
    const results = wanted.map((recording) => replay(recording, fileOf(recording.game)));
    const sum = (count: (result: (typeof results)[number]) => number): number =>
      results.reduce((total, r) => total + count(r), 0);
    return {
      steps: sum((result) => result.steps),
      equalObservations: sum((result) => result.equal),
      equalIntros: sum((result) => Number(result.hasEqualIntro)),
      wonAtLastStep: sum((result) => Number(result.isWonAtLastStep)),
      missing: recordings.filter((recording) => !wanted.includes(recording)).map(({ game }) => game),
      differences: results.flatMap((result) => result.differences).slice(0, 5),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function replay(recording: Recording, file: string) {
  const game = compileGame(JSON.parse(readFileSync(file, 'utf8')) as GameText); // compileGame refuses anything else
  let { state } = openGame(game, '\n');
  let equal = 0;
  const wins: number[] = [];
  const differences: string[] = [];
  recording.steps.forEach(([action, observation], i) => {
    const turn = stepGame(game, state, action);
    if (turn.observation === observation) equal += 1;
    else differences.push(`${recording.game} ${action}: ${turn.observation} instead of ${observation}`);
    if (turn.reward === 1) wins.push(i);
    state = turn.state;
  });
  const last = recording.steps.length - 1;
  return {
    steps: recording.steps.length,
    equal,
    hasEqualIntro: openingText(game) === recording.intro,
    isWonAtLastStep: wins.length === 1 && wins[0] === last,
    differences,
  };
}
