/** The plain dialog of the two managers that are made here around an IAB library (the library brings none). */
import { CATEGORIES, SETTINGS_LINK, categoriesOf } from './_consent.mjs';

const STYLE = `
#privacy-dialog { position: fixed; z-index: 2147483000; background: #fff; color: #1c2430; box-shadow: 0 10px 50px rgba(10, 20, 40, .35);
  font: 15px/1.5 system-ui, sans-serif; padding: 26px 30px; }
#privacy-dialog.sheet { left: 0; right: 0; bottom: 0; border-top: 4px solid #2559d6; }
#privacy-dialog.sheet > div { max-width: 1060px; margin: 0 auto; }
#privacy-dialog.box { left: 50%; top: 50%; transform: translate(-50%, -50%); width: 560px; max-width: 94vw; border-radius: 14px; }
#privacy-dialog h2 { font-size: 20px; margin: 0 0 8px; }
#privacy-dialog p { margin: 0 0 14px; }
#privacy-dialog label { margin-right: 22px; }
#privacy-dialog button { font: inherit; font-weight: 600; padding: 10px 20px; margin: 4px 10px 0 0; border-radius: 8px;
  border: 1px solid #2559d6; background: #fff; color: #2559d6; cursor: pointer; }
#privacy-dialog button[data-choice="all"], #privacy-dialog button[data-choice="necessary"] { background: #2559d6; color: #fff; }
#privacy-dialog [hidden] { display: none; }`;

const boxes = CATEGORIES.map((name) => `<label><input type="checkbox" value="${name}"> ${name[0].toUpperCase()}${name.slice(1)}</label>`).join('');

/**
 * Makes the dialog.
 * @param look sheet (along the bottom) or box (in the middle); answered(categories) is called with what was pressed.
 * @returns {show, shown}
 */
export function dialog({ title, text, accept, reject, choose }, look, answered) {
  const element = document.createElement('div');
  element.id = 'privacy-dialog';
  element.className = look;
  element.setAttribute('role', 'dialog');
  element.innerHTML = `<style>${STYLE}</style><div><h2>${title}</h2><p>${text}</p><p class="detail" hidden>${boxes}</p>
<button data-choice="all">${accept}</button><button data-choice="necessary">${reject}</button>
<button data-choice="detail">${choose}</button><button data-choice="save" hidden>Save my choice</button></div>`;
  element.addEventListener('click', ({ target }) => {
    const { choice } = target.dataset;
    if (!choice) return;
    if (choice === 'detail') {
      element.querySelector('.detail').hidden = false;
      element.querySelector('[data-choice="save"]').hidden = false;
      target.hidden = true;
      return;
    }
    element.remove();
    const ticked = [...element.querySelectorAll('input:checked')].map(({ value }) => value);
    answered(categoriesOf({ all: CATEGORIES, necessary: [], save: ticked }[choice]));
  });
  return { show: () => document.body.append(element), shown: () => element.isConnected };
}

/** From outside: presses what a person would press. */
export async function press(page, choice) {
  const shown = page.locator('#privacy-dialog');
  if (choice === 'withdraw') await page.click(SETTINGS_LINK);
  if (choice !== 'analytics') return shown.locator(`[data-choice="${choice === 'all' ? 'all' : 'necessary'}"]`).click();
  await shown.locator('[data-choice="detail"]').click();
  await shown.locator('input[value="analytics"]').check();
  return shown.locator('[data-choice="save"]').click();
}
