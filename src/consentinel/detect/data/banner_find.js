// Finds what may be a consent dialog in this frame, also in open shadow roots: its text and its controls.
// Returns {boxes, elements}: the controls of boxes name their element by its place in elements.
(anywhere) => {
  const CONSENT = new RegExp(
    'cookie|consent|gdpr|rgpd|dsgvo|ccpa|privac|datenschutz|einwillig|zustimm|tracking|confidentialit|données personnelles|datos personales|' +
    'dati personali|gegevens|samtyck|kakor|samtykk|informasjonskapsler|eväst|ciastecz|prywatno|soubor|súbor|süti|μπισκότα|απόρρητ|бисквит|' +
    'куки|конфиденц|файли cookie|kolačić|piškot|küpsis|sīkdat|slapuk|çerez|kişisel veri|クッキー|プライバシー|隐私|隱私|쿠키|개인정보|' +
    'ملفات تعريف|خصوصية|עוגיות|פרטיות|personal (information|data)|do not sell|galetes', 'i');
  const NAMED = /cookie|consent|gdpr|rgpd|dsgvo|cmp(?![a-z])|privacy|klaro|didomi|onetrust|truste|usercentrics|tarteaucitron|\bcc[-_]/i;
  const CLICKABLE = 'button, a, summary, input, [role=button], [role=switch], [role=checkbox], [role=link], [role=tab], [onclick], [tabindex="0"]';
  const PRESSED = /btn|button|accept|agree|allow|reject|decline|deny|refuse|revoke|settings|save|consent|cookie/i; // plain elements made into buttons
  const MAX_CONTROLS = 250;
  const nameOf = (element) => `${element.id ?? ''} ${typeof element.className === 'string' ? element.className : ''}`;

  const roots = [document];
  const clickable = [];
  for (let i = 0; i < roots.length && i < 200; i += 1) {
    for (const element of roots[i].querySelectorAll('*')) {
      if (element.shadowRoot) roots.push(element.shadowRoot);
      if (element.matches(CLICKABLE) || (PRESSED.test(nameOf(element)) && getComputedStyle(element).cursor === 'pointer')) clickable.push(element);
    }
  }
  const parentOf = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host ?? null;
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  };
  const onScreen = (element) => {
    const box = element.getBoundingClientRect();
    return box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  };
  const textOf = (element, most = 400) => {
    let text = element.innerText ?? element.textContent ?? '';
    if (text.trim().length < 2) {
      for (const inner of [element, ...element.querySelectorAll('*')]) if (inner.shadowRoot) text += ` ${[...inner.shadowRoot.children].map((c) => c.innerText ?? '').join(' ')}`;
    }
    return text.replace(/\s+/g, ' ').trim().slice(0, most);
  };

  const known = new Map();
  /** The dialog, bar or named box that an element lies in: the outermost that is not the page itself. */
  const overlayOf = (element) => {
    const path = [];
    let found = null;
    for (let at = element; at && at !== document.body && at !== document.documentElement; at = parentOf(at)) {
      if (known.has(at)) { found = known.get(at); break; }
      path.push(at);
    }
    for (const at of path.reverse()) {
      if (!found) {
        const style = getComputedStyle(at);
        const layered = style.position === 'fixed' || style.position === 'sticky' || (style.position === 'absolute' && Number(style.zIndex) >= 10);
        const said = at.matches('[role=dialog], [role=alertdialog], [aria-modal=true], dialog[open], [popover]');
        const named = NAMED.test(nameOf(at));
        if ((layered || said || named) && !at.querySelector('main, article') && (said || at !== element)) found = at;
      }
      known.set(at, found);
    }
    return found;
  };

  const TOGGLES = 'input[type=checkbox], input[type=radio], [role=switch], [role=checkbox]';
  const isToggle = (element) => element.matches(TOGGLES);
  const labelOf = (element) => {
    const by = (element.getAttribute('aria-labelledby') ?? '').split(/\s+/).filter(Boolean).map((id) => element.getRootNode().getElementById?.(id)?.textContent ?? '');
    const said = element.getAttribute('aria-label') ?? [...by, ...[...(element.labels ?? [])].map((label) => label.innerText)].join(' ').trim();
    return said.replace(/\s+/g, ' ').trim();
  };
  const captionOf = (element) => {
    const inner = textOf(element, 200);
    if (/[\p{L}\p{N}]/u.test(inner)) return inner;
    if (element.matches('input[type=button], input[type=submit], input[type=reset]') && element.value) return element.value;
    return labelOf(element) || element.title || element.querySelector('img[alt]')?.alt || inner;
  };
  /** Texts around a control, from near to far, while they belong to it more than to others. */
  const nearOf = (element, box) => {
    const texts = [];
    const others = isToggle(element) ? TOGGLES : 'button, [role=button], input[type=button]';
    const most = isToggle(element) ? 1 : 3; // allow, deny and one more
    for (let at = parentOf(element); at && at !== box && texts.length < 4; at = parentOf(at)) {
      const text = textOf(at, 160);
      const count = at.querySelectorAll?.(others).length ?? 0;
      if (text && text !== texts.at(-1)) texts.push(count > most ? text.slice(0, 60) : text);
      if (count > most && texts.length > 1) break;
    }
    return texts;
  };

  const numbers = new Map();
  /** A number for the smallest part of the dialog that holds this button and another: equal for buttons side by side. */
  const sideOf = (element, box) => {
    let at = parentOf(element);
    while (at && at !== box && (at.querySelectorAll?.('button, [role=button], input[type=button]').length ?? 0) < 2) at = parentOf(at);
    if (!numbers.has(at)) numbers.set(at, numbers.size);
    return numbers.get(at);
  };

  const boxes = new Map();
  const elements = [];
  for (const element of clickable) {
    if (!element.matches(CLICKABLE) && element.querySelector(CLICKABLE)) continue; // the box around a button
    const toggle = isToggle(element);
    if (element.matches('input:not([type=button], [type=submit], [type=reset], [type=checkbox], [type=radio])')) continue;
    const body = window !== window.top && innerWidth > 120 && innerHeight > 60 ? document.body : null;
    const box = overlayOf(element) ?? (anywhere ? document.body : body);
    if (!box) continue;
    const visible = shown(element) || (toggle && ([...(element.labels ?? [])].some(shown) || (parentOf(element) && shown(parentOf(element)))));
    if (!visible) continue;
    if (!boxes.has(box)) boxes.set(box, []);
    boxes.get(box).push({ element, toggle });
  }
  const told = [];
  for (const [box, controls] of boxes) {
    const whole = box === document.body;
    const text = textOf(box, 4000);
    const named = NAMED.test(nameOf(box)) || [...box.querySelectorAll('[id], [class]')].slice(0, 40).some((inner) => NAMED.test(nameOf(inner)));
    const area = box.getBoundingClientRect();
    if (!whole && !controls.some(({ element }) => onScreen(element) || onScreen(box))) continue;
    told.push({
      named, whole, text: text.slice(0, 600), consent: CONSENT.test(text), area: Math.round(area.width * area.height),
      modal: box.matches('[role=dialog], [role=alertdialog], [aria-modal=true], dialog[open]'), length: text.length,
      controls: controls.slice(0, MAX_CONTROLS).map(({ element, toggle }) => {
        const size = element.getBoundingClientRect();
        const checked = element.checked ?? element.getAttribute('aria-checked') === 'true';
        return {
          at: elements.push(element) - 1,
          kind: toggle ? 'toggle' : element.matches('a[href]:not([href^="#"]):not([href^="javascript:"]):not([role=button])') ? 'link' : 'button',
          text: toggle ? labelOf(element) || captionOf(element) : captionOf(element),
          side: toggle ? -1 : sideOf(element, box),
          near: toggle || controls.length > 6 ? nearOf(element, box) : [],
          checked: toggle ? checked : null,
          disabled: element.disabled === true || element.getAttribute('aria-disabled') === 'true',
          area: Math.round(size.width * size.height), top: Math.round(size.top), name: nameOf(element).slice(0, 80),
        };
      }),
    });
  }
  return { boxes: told, elements };
}
//# sourceURL=consentinel-banner.js
