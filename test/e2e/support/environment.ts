/** The environment of the programs that a test starts: nothing of the caller's but where programs are found. */

/** `PATH`, a home folder of its own, and `extra`. No proxy, no credentials, no configuration of the caller's. */
export const cleanEnvironment = (
  home: string,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> => ({
  PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: home,
  LANG: 'C.UTF-8',
  ...extra,
})
