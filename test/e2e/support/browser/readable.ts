/** What somebody could not read or use in a page: too little contrast, and controls that do not say what they are. */
import type { Page } from './page.ts'

/** Least contrast of text and its ground (WCAG 2.2, 1.4.3, level AA). */
const LEAST = 4.5

/** Texts with less contrast than they need, with the contrast that they have. */
export const findFaint = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const parse = (colour) => {
      const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number)
      return { r, g, b, a }
    }
    const groundOf = (element) => {
      for (let at = element; at !== null; at = at.parentElement) {
        const colour = parse(getComputedStyle(at).backgroundColor)
        if (colour.a === 1) return colour
      }
      return parse('rgb(255, 255, 255)')
    }
    const luminance = ({ r, g, b }) => {
      const [x, y, z] = [r, g, b].map((each) => {
        const part = each / 255
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * x + 0.7152 * y + 0.0722 * z
    }
    const contrast = (one, other) => {
      const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b)
      return (high + 0.05) / (low + 0.05)
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const faint = []
    while (walker.nextNode()) {
      const { parentElement: element, nodeValue: text } = walker.currentNode
      if (text.trim() === '' || !element.checkVisibility() || element.closest(':disabled')) continue
      const found = contrast(parse(getComputedStyle(element).color), groundOf(element))
      if (found < ${LEAST}) faint.push(text.trim() + ': ' + found.toFixed(2))
    }
    return faint
  })()`)

/** Controls without a name for those who do not see them (WCAG 2.2, 4.1.2). */
export const findNameless = async (page: Page): Promise<string[]> => {
  const { nodes } = await page.send('Accessibility.getFullAXTree')
  const controls = new Set([
    'button',
    'textbox',
    'searchbox',
    'combobox',
    'checkbox',
    'radio',
    'progressbar',
    'progressIndicator',
    'dialog',
    'table',
    'region',
    'image',
  ])
  return nodes
    .filter(
      ({ ignored, role, name }: { ignored: boolean; role?: { value: string }; name?: { value: string } }) =>
        !ignored && controls.has(role?.value ?? '') && (name?.value ?? '') === '',
    )
    .map(({ role, nodeId }: { role: { value: string }; nodeId: string }) => `${role.value} ${nodeId}`)
}
