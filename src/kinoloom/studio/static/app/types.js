// Types of what pages get; this module has no code.

/**
 * @template T
 * @typedef {import('signals').Signal<T>} Signal
 */
/**
 * @template T
 * @typedef {import('signals').ReadonlySignal<T>} ReadonlySignal
 */

/**
 * A document that is open in this page.
 * @typedef {object} Doc
 * @property {ReadonlySignal<any>} state what to show: the server's state, and the changes that it
 *   does not have yet; null until it has been read
 * @property {ReadonlySignal<number>} seq the number of the server's newest change
 * @property {ReadonlySignal<boolean>} kept whether the server has every change
 * @property {ReadonlySignal<{change: any, error: string} | null>} rejected the last change that the
 *   server rejected, because others have changed the document
 * @property {(change: any) => Promise<void>} change shows a change at once; resolved when it is kept
 * @property {() => Promise<void>} undo
 * @property {() => Promise<void>} redo
 * @property {() => void} close
 */

/**
 * What `mount(host, studio)` of a page gets. Listeners, feeds, documents and shortcuts end with the
 * page.
 * @typedef {object} Studio
 * @property {string} page the name of the page
 * @property {(strings: TemplateStringsArray, ...values: any[]) => any} html makes views
 * @property {(view: any, host: Element) => void} render shows a view; a failure in it is shown in
 *   its place
 * @property {typeof import('signals').signal} signal
 * @property {typeof import('signals').computed} computed
 * @property {typeof import('signals').effect} effect
 * @property {typeof import('signals').batch} batch
 * @property {<T>(source: ReadonlySignal<T>) => T} use the value of a signal, in a component
 * @property {Pick<typeof import('preact/hooks'), 'useState' | 'useEffect' | 'useLayoutEffect' |
 *   'useRef' | 'useMemo' | 'useCallback' | 'useId'>} hooks
 * @property {(name: string, options?: object, how?: {latest?: string, signal?: AbortSignal}) =>
 *   Promise<any>} call a call of this page: a plain value, or a Blob with `facts`; a newer call with
 *   the same `latest` cancels this one (AbortError)
 * @property {(method: string, path: string, body?: any, how?: {signal?: AbortSignal,
 *   headers?: Record<string, string>}) => Promise<any>} request JSON of an address of the server;
 *   throws {status, error, hint}
 * @property {(topic: string, fn: (data: any, topic: string) => void, read?: () => void) =>
 *   (() => void)} listen returns what stops it; `read` is called first and after every gap, to read
 *   the state that the events change
 * @property {(name: string, options: object, fn: (data: any) => void, read?: () => Promise<any>) =>
 *   (() => void)} feed `read` returns the state that the feed's events change: the feed may have
 *   begun before, for another tab; `fn` gets it first, and after every gap
 * @property {(kind: string, name: string, how: {reduce: (state: any, change: any) => any}) => Doc
 *   } document
 * @property {(path: string) => void} open shows a file
 * @property {(page: string, params?: Record<string, any>, how?: {replace?: boolean}) => void} go
 * @property {(page: string, params?: Record<string, any>) => string} address of a page, for links
 * @property {ReadonlySignal<Record<string, string>>} params of the address of this page
 * @property {(changed: Record<string, any>, how?: {replace?: boolean}) => void} setParams changes
 *   some of them; without {replace: false} there is no step in the browser's history
 * @property {(shown: {title?: string, tags?: any, actions?: any}) => void} bar what the bar at the
 *   top shows for this page
 * @property {{list: ReadonlySignal<import('./job_list.js').Job[]>,
 *   start: typeof import('./job_list.js').startJob,
 *   act: typeof import('./job_list.js').actOnJob}} jobs
 * @property {{url: (path: string) => string,
 *   thumb: (path: string, width?: number, version?: string | number) => string,
 *   frame: (path: string, n: number, width?: number) => string}} files addresses
 * @property {(combo: string, label: string, fn: (event: KeyboardEvent) => void) =>
 *   (() => void)} keys adds a shortcut such as "ctrl+z", which `?` lists
 * @property {typeof import('./toasts.js').toast} toast
 * @property {(error: unknown) => void} toastError
 * @property {typeof import('../ui/index.js').ui} ui the components; see /_parts
 * @property {ReadonlySignal<import('./state.js').State>} state of the server
 * @property {{name: string, role: string}} person who is logged in
 * @property {ReadonlySignal<string>} theme "light" or "dark"
 */

export {};
