/** Writes generated games as a tree that ALFWorld itself, and source `files`, can read. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type GenerateOptions, openGenerated } from './generated.ts';

/**
 * Writes every game of a generated world to `<folder>/json_2.1.1/<split>/<task>/<trial>/` as game.tw-pddl.gz and traj_data.json.gz.
 * The same options write the same bytes.
 * @returns How many games were written.
 */
export function writeGames(folder: string, options: GenerateOptions): number {
  const source = openGenerated(options);
  let written = 0;
  for (const split of source.splits) {
    for (const task of source.tasks(split)) {
      const path = join(folder, 'json_2.1.1', task.id);
      const [, object, , target, scene] = task.id.split('/')[1]!.split('-');
      const isLight = task.type === 'look_at_obj_in_light';
      const trajectory = {
        task_type: task.type,
        task_id: task.id.split('/')[2],
        pddl_params: {
          object_target: object,
          parent_target: isLight ? '' : target,
          toggle_target: isLight ? target : '',
          mrecep_target: '',
          object_sliced: false,
        },
        scene: { scene_num: Number(scene) },
      };
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'game.tw-pddl.gz'), gzipSync(JSON.stringify(source.read(task))));
      writeFileSync(join(path, 'traj_data.json.gz'), gzipSync(JSON.stringify(trajectory)));
      written += 1;
    }
  }
  return written;
}
