import { type Locator, type Page } from '@playwright/test';
import { AppPage } from './app_page';

/** The admin panel, and the banner while an operator looks at the product as somebody else. */
export class AdminPage extends AppPage {
  readonly link: Locator;
  readonly search: Locator;
  readonly showButton: Locator;
  readonly people: Locator;
  readonly events: Locator;
  /** On a person's page. */
  readonly available: Locator;
  readonly suspended: Locator;
  readonly entries: Locator;
  readonly failures: Locator;
  /** What was done last, in words. */
  readonly outcome: Locator;
  readonly error: Locator;
  readonly jobs: Locator;
  readonly retryButton: Locator;
  readonly routes: Locator;
  readonly stripeEvents: Locator;
  readonly replayButton: Locator;
  readonly visitBanner: Locator;
  readonly endVisitButton: Locator;

  constructor(page: Page) {
    super(page);
    this.link = page.getByRole('link', { name: 'Admin' });
    this.search = page.getByRole('searchbox', { name: 'Search' });
    this.showButton = page.getByRole('button', { name: 'Show' });
    this.people = page.getByTestId('person-row');
    this.events = page.getByTestId('audit-row');
    this.available = page.getByTestId('person-available');
    this.suspended = page.getByTestId('is-suspended');
    this.entries = page.getByTestId('statement-row');
    this.failures = page.getByTestId('failure-row');
    this.outcome = page.getByTestId('deed-outcome');
    this.error = page.getByRole('main').getByRole('alert');
    this.jobs = page.getByTestId('job-row');
    this.retryButton = page.getByTestId('retry-job');
    this.routes = page.getByTestId('route-row');
    this.stripeEvents = page.getByTestId('event-row');
    this.replayButton = page.getByTestId('replay-event');
    this.visitBanner = page.getByTestId('visit-banner');
    this.endVisitButton = page.getByTestId('end-visit');
  }

  /** The way to a model with this key. */
  route(key: string): Locator {
    return this.routes.filter({ has: this.page.getByRole('rowheader', { name: key }) });
  }

  async open(path = '/admin/people'): Promise<void> {
    await this.openPath(path);
  }

  async openPerson(name: string): Promise<void> {
    await this.open(`/admin/people?search=${encodeURIComponent(name)}`);
    await this.people.getByRole('link', { name }).click();
    await this.heading.getByText(name).waitFor();
  }

  /** Unfolds something that can be done, and fills in its form; the reason is the last of its fields. */
  async fill(deed: string, fields: Record<string, string>): Promise<void> {
    const toggle = this.page.getByRole('button', { name: deed, exact: true, expanded: false });
    const id = await toggle.getAttribute('aria-controls');
    await toggle.click();
    const form = this.page.locator(`#${id}`);
    for (const [label, value] of Object.entries(fields)) await form.getByLabel(label).fill(value);
  }

  /** Does what was filled in. */
  async submit(testId: string): Promise<void> {
    await this.page.getByTestId(testId).click();
  }
}
