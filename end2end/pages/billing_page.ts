import { type Locator, type Page } from '@playwright/test';
import { AppPage } from './app_page';

/** Billing, the pages that ask before a change, and the page one comes back to from Stripe. */
export class BillingPage extends AppPage {
  /** How things stand, in a sentence. */
  readonly standing: Locator;
  readonly card: Locator;
  readonly changeCardButton: Locator;
  readonly changePlanLink: Locator;
  readonly cancelLink: Locator;
  /** Takes back a cancellation or a planned change. */
  readonly keepButton: Locator;
  readonly invoices: Locator;
  readonly packs: Locator;
  /** What a change would do, before it is confirmed. */
  readonly consequences: Locator;
  readonly confirmChangeButton: Locator;
  readonly confirmCancelButton: Locator;
  /** What became of a payment. */
  readonly outcome: Locator;
  /** Above every page, while an invoice waits to be paid. */
  readonly banner: Locator;
  readonly payNowButton: Locator;
  /** Above every page, what no mail could tell; and the list of it. */
  readonly noticeBanner: Locator;
  readonly noticeRows: Locator;
  /** Pay as you go. */
  readonly overage: Locator;
  readonly overageState: Locator;
  readonly overageAmount: Locator;
  readonly overageLeft: Locator;
  readonly overageSetButton: Locator;
  readonly overageStopButton: Locator;

  constructor(page: Page) {
    super(page);
    this.standing = page.getByTestId('standing-sentence');
    this.card = page.getByTestId('card');
    this.changeCardButton = page.getByTestId('change-card');
    this.changePlanLink = page.getByRole('link', { name: 'Change plan' });
    this.cancelLink = page.getByRole('link', { name: 'Cancel subscription' });
    this.keepButton = page.getByTestId('take-back');
    this.invoices = page.getByTestId('invoice-row');
    this.packs = page.getByTestId('pack-row');
    this.consequences = page.getByTestId('consequences');
    this.confirmChangeButton = page.getByTestId('confirm-change');
    this.confirmCancelButton = page.getByTestId('confirm-cancel');
    this.outcome = page.getByTestId('checkout-outcome');
    this.banner = page.getByTestId('standing-banner');
    this.payNowButton = this.banner.getByRole('button', { name: 'Pay now' });
    this.noticeBanner = page.getByTestId('notice-banner');
    this.noticeRows = page.getByTestId('notice-row');
    this.overage = page.getByTestId('overage');
    this.overageState = page.getByTestId('overage-state');
    this.overageAmount = this.overage.getByRole('textbox');
    this.overageLeft = page.getByTestId('overage-left');
    this.overageSetButton = page.getByTestId('overage-set');
    this.overageStopButton = page.getByTestId('overage-stop');
  }

  async open(path = '/billing'): Promise<void> {
    await this.openPath(path);
  }
}
