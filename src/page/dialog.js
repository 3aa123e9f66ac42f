/** Dialogs: forms with `method="dialog"`, of which one button is the yes. Escape and Cancel are the no. */

/**
 * Opens a dialog and waits for its end.
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<boolean>} whether it was closed by the button with the value `yes`
 */
export const openDialog = (dialog) => {
  const opener = document.activeElement
  dialog.returnValue = ''
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => {
        if (opener instanceof HTMLElement) opener.focus()
        resolve(dialog.returnValue === 'yes')
      },
      { once: true },
    )
  })
}

/** Cancel buttons close their dialog, whatever else is filled in wrong. */
export const startDialogs = () => {
  for (const button of document.querySelectorAll('dialog button[value="no"]'))
    button.addEventListener('click', () => button.closest('dialog')?.close('no'))
}
