import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Settings } from '../../shared/config/settings.ts'
import { type Running, type Setup, serve } from '../kit/serving.ts'

/** The time of the files of a test site that do not say another: a Sunday long ago. */
export const fileDate = 'Sun, 06 Nov 1994 08:49:37 GMT'

/** What a test site holds: text or octets; `{ link }` leads to that path; null is an empty folder. */
export type Tree = Readonly<Record<string, string | Buffer | { readonly link: string } | null>>

/** Writes the files of a tree below a folder. */
export const writeTree = async (root: string, tree: Tree): Promise<void> => {
  for (const [name, content] of Object.entries(tree)) {
    const path = join(root, name)
    await mkdir(dirname(path), { recursive: true })
    if (content === null) await mkdir(path, { recursive: true })
    else if (typeof content === 'object' && 'link' in content) await symlink(content.link, path)
    else {
      await writeFile(path, content)
      await utimes(path, new Date(fileDate), new Date(fileDate))
    }
  }
}

/** Serves these files. Names are below the data folder: `www/index.html`, `files/alice/public_html/a.txt`; what `prepare` does comes first. */
export const serveSite = (tree: Tree, setup: Partial<Setup> = {}): Promise<Running> =>
  serve({
    service: 'http',
    conversations: false,
    ...setup,
    prepare: async (settings: Settings) => {
      await setup.prepare?.(settings)
      await writeTree(settings.data, tree)
    },
  })
