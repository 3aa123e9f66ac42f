/** The catalog: every repository of the store, pushed here or mirrored, page by page (distribution's `_catalog`). */
import type { RepositoryName } from '../protocol/name.ts'
import type { Page, PageRequest } from '../protocol/page.ts'
import { type FolderReader, walkRepositories } from '../store/catalog.ts'
import type { MarkStore } from '../store/marks.ts'

/** Which repositories are wanted, where not all are. */
export type CatalogKind = 'local' | 'mirrored'

/** Reads the catalog. */
export class Catalog {
  readonly #folders: FolderReader
  readonly #marks: MarkStore

  /** @param folders keeps the lists of large folders from page to page */
  constructor(folders: FolderReader, marks: MarkStore) {
    this.#folders = folders
    this.#marks = marks
  }

  /**
   * A page; only the folders that it takes are read. An empty one has no next, so that nobody loops.
   * @param isShown what is left out where it says no
   */
  async page(
    { limit = 0, after }: PageRequest,
    isShown: (name: RepositoryName) => Promise<boolean>,
    kind?: CatalogKind,
  ): Promise<Page> {
    const items: RepositoryName[] = []
    if (limit === 0) return { items, next: undefined }
    for await (const { name, hasManifests } of walkRepositories(this.#folders, after)) {
      if (!hasManifests || !(await this.#isOfKind(name, kind)) || !(await isShown(name))) continue
      if (items.length === limit) return { items, next: items.at(-1) }
      items.push(name)
    }
    return { items, next: undefined }
  }

  async #isOfKind(name: RepositoryName, kind: CatalogKind | undefined): Promise<boolean> {
    return kind === undefined || ((await this.#marks.read(name))?.kind ?? 'mirrored') === kind
  }
}
