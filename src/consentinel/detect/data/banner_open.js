// Opens the dialog of the consent manager again through its own door, which decides nothing; says how many doors there were.
() => {
  const { CookieConsent, klaro, tarteaucitron, OneTrust, Didomi, Cookiebot, UC_UI, Osano, truste, googlefc } = window;
  const doors = [
    CookieConsent?.showPreferences, CookieConsent?.renew, klaro?.show && (() => klaro.show(undefined, true)),
    tarteaucitron?.userInterface?.openPanel && (() => tarteaucitron.userInterface.openPanel()),
    OneTrust?.ToggleInfoDisplay && (() => OneTrust.ToggleInfoDisplay()), Didomi?.preferences?.show && (() => Didomi.preferences.show()),
    Cookiebot?.renew && (() => Cookiebot.renew()), UC_UI?.showSecondLayer && (() => UC_UI.showSecondLayer()),
    window.__ucCmp?.showSecondLayer && (() => window.__ucCmp.showSecondLayer()), Osano?.cm?.showDrawer && (() => Osano.cm.showDrawer()),
    window._iub?.cs?.api?.openPreferences && (() => window._iub.cs.api.openPreferences()), window.openAxeptioCookies,
    truste?.eu?.clickListener && (() => truste.eu.clickListener()), googlefc?.showRevocationMessage && (() => googlefc.showRevocationMessage()),
    typeof window.__tcfapi === 'function' && (() => window.__tcfapi('displayConsentUi', 2, () => {})),
  ].filter((door) => typeof door === 'function');
  for (const open of doors) { try { open(); } catch { /* a door that is not ready */ } }
  return doors.length;
}
//# sourceURL=consentinel-banner.js
