"""Buttons of consent dialogs mean the same in every language; the share that is right is measured on public labels."""

import hashlib
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.detect.live.banner_text import LABELS, category, meaning, plain_text, says_all

BUTTONS = Path(__file__).parents[4] / "shared" / "data" / "detect" / "consent_buttons" / "buttons.parquet"

SAID = {
    "accept": (
        "Accept all", "I agree", "Alle akzeptieren", "Tout accepter", "J'accepte", "Aceptar todas",
        "Accetta tutti", "Alles accepteren", "Aceitar tudo", "Zaakceptuj wszystkie", "Acceptera alla",
        "Tillad alle", "Godta alle", "Hyväksy kaikki", "Přijmout vše", "Prijať všetko", "Összes elfogadása",
        "Accept toate", "Αποδοχή όλων", "Приемам всички", "Prihvati sve", "Nõustu kõigiga", "Tümünü kabul et",
        "Принять все", "Прийняти всі", "Accepta-les totes", "すべて受け入れる", "全部接受", "모두 동의", "قبول الكل",
    ),
    "reject": (
        "Reject all", "Decline", "Only necessary", "Continue without accepting",
        "Do not sell or share my personal information", "Alle ablehnen", "Nur notwendige Cookies",
        "Ohne Zustimmung fortfahren", "Tout refuser", "Continuer sans accepter", "Rechazar todo",
        "Solo necesarias", "Rifiuta tutto", "Alles weigeren", "Alleen noodzakelijke cookies", "Rejeitar tudo",
        "Odrzuć wszystkie", "Tylko niezbędne", "Neka alla", "Endast nödvändiga", "Afvis alle", "Avvis alle",
        "Hylkää kaikki", "Odmítnout vše", "Odmietnuť všetko", "Elutasítom", "Respinge toate", "Απόρριψη όλων",
        "Отказвам", "Odbij sve", "Keeldu kõigist", "Tümünü reddet", "Отклонить все", "Відхилити всі",
        "Rebutja-ho tot", "すべて拒否", "全部拒绝", "모두 거부", "رفض الكل", "No, thank you",
    ),
    "settings": (
        "Manage options", "Cookie settings", "Let me choose", "Einstellungen", "Paramétrer mes choix",
        "Configurar", "Personalizza", "Voorkeuren aanpassen", "Definições", "Ustawienia", "Anpassa",
        "Indstillinger", "Asetukset", "Evästeasetukset", "Nastavení", "Beállítások", "Setări", "Ρυθμίσεις",
        "Настройки", "Ayarlar", "Налаштування", "設定", "设置", "설정",
    ),
    "save": (
        "Save my choice", "Confirm my choices", "Auswahl speichern", "Auswahl erlauben",
        "Enregistrer mes choix", "Guardar selección", "Salva", "Selectie opslaan", "Guardar", "Zapisz",
        "Spara mina val", "Gem valg", "Lagre", "Tallenna", "Uložit nastavení", "Mentés", "Salvează",
        "Αποθήκευση", "Сохранить", "Kaydet", "保存", "저장",
    ),
    "acknowledge": (
        "OK", "Got it", "Verstanden", "J'ai compris", "Entendido", "Ho capito", "Begrepen", "Rozumiem", "知道了",
    ),
    "other": (
        "Privacy policy", "Learn more", "Impressum", "En savoir plus", "Partners", "", "🍪",
        "Política de privacidad",
    ),
}  # fmt: skip


def test_thanks_take_nothing_away() -> None:
    for text in ("No, thank you", "Nein, danke", "Non merci", "No, gracias"):
        got = meaning(text)
        assert got.label == "reject", text
        assert got.sure >= 0.55, text


def test_a_switch_for_all_says_so() -> None:
    for text in ("Enable or disable all services", "Alle Dienste aktivieren", "Activer tous les services"):
        assert says_all(text), text
    for text in ("Visit statistics", "Allow", "Werbung", ""):
        assert not says_all(text), text


@pytest.mark.parametrize(("text", "label"), [(text, label) for label, texts in SAID.items() for text in texts])
def test_a_text_means_what_it_says(text: str, label: str) -> None:
    got = meaning(text)
    assert got.label == label, got


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Strictly necessary", "necessary"), ("Statistik", "analytics"), ("Audience measurement", "analytics"),
        ("Werbung", "advertising"), ("Publicité", "advertising"), ("Marketing", "advertising"), ("广告", "advertising"),
        ("Analytické", "analytics"), ("Doubleclick", "advertising"), ("Chat", "other"), ("notwendig", "necessary"),
    ],
)  # fmt: skip
def test_what_a_toggle_is_for(text: str, kind: str) -> None:
    assert category(text) == kind


@given(st.text(max_size=80))
def test_any_text_has_a_meaning(text: str) -> None:
    got = meaning(text)
    assert got.label in LABELS
    assert 0 <= got.sure <= 1
    assert plain_text(text) == " ".join(plain_text(text).split())


def test_long_sentences_are_no_buttons() -> None:
    assert (
        meaning("We and our partners accept that you reject all cookies that are stored on this device by us").label
        == "other"
    )


@pytest.mark.skipif(not BUTTONS.is_file(), reason="the shared set of labelled button texts is not here")
def test_labelled_texts_that_were_never_looked_at() -> None:
    """Half of the texts, by their hash, were kept aside while the words were written."""
    rows = [
        (r["button_text"], r["label"], r["sites"])
        for r in pq.read_table(BUTTONS).to_pylist()
        if int(hashlib.sha256(r["button_text"].encode()).hexdigest()[-1], 16) % 2
    ]
    assert len(rows) > 2000
    told = Counter((label, {"save": "accept"}.get(meaning(text).label, meaning(text).label)) for text, label, _ in rows)
    right = sum(n for (label, got), n in told.items() if label == got)
    weighted = sum(s for t, label, s in rows if {"save": "accept"}.get(meaning(t).label, meaning(t).label) == label)
    assert right / len(rows) >= 0.86
    assert weighted / sum(s for _, _, s in rows) >= 0.94
    answers = sum(n for (label, _), n in told.items() if label in ("accept", "reject"))
    assert told["accept", "reject"] + told["reject", "accept"] <= 0.03 * answers
