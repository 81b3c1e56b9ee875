"""Sample documents of people: identity, work, home, health, letters."""

from heron_grpc.lab.samples.blocks import Blocks, Heading, Paragraph, Title, grid, lines

RESUME: Blocks = (
    Title("Calliope Wren"),
    lines("""Logistics planner
        Saltmarsh - calliope.wren@example.org - 0555 010 664"""),
    Heading("Profile"),
    Paragraph(
        "Planner with nine years in coastal freight. Cut empty runs by a fifth, led a team of four, speaks three "
        "languages and likes a tidy spreadsheet."
    ),
    Heading("Work experience"),
    lines("""Senior planner, Petrel Shipping Company, since 2019
        Plans 60 sailings a month with berths, crews and customs
        Brought in a tide model that saves two hours a day
        Dispatcher, Curlew Couriers, 2014 to 2019
        Routed 25 vans, trained newcomers"""),
    Heading("Education"),
    lines("BSc Transport Studies, University of Northmere, 2014"),
    Heading("Skills"),
    lines("Route planning, SQL, Python, forklift certificate, Portuguese, German"),
    Heading("References"),
    lines("Available on request"),
)

NDA: Blocks = (
    Title("Mutual Non-Disclosure Agreement"),
    Paragraph(
        "This agreement is made on 9 January between Gannet Research Vessels Ltd of Tern Harbour and Coil & Cable "
        "Works of Ironmere. Each may be the disclosing party or the receiving party."
    ),
    Heading("1. Purpose"),
    Paragraph(
        "The parties wish to talk about a sensor cable for deep water and will show each other information that is "
        "not public."
    ),
    Heading("2. Confidential information"),
    Paragraph(
        "Confidential information means drawings, samples, prices, test results and anything else marked secret or "
        "plainly so. It does not include what is public, what the receiving party knew before, or what it found "
        "independently."
    ),
    Heading("3. Duties"),
    Paragraph(
        "The receiving party shall use the information only for the purpose, shall show it only to staff who need it "
        "and who are bound alike, and shall guard it as it guards its own."
    ),
    Heading("4. Term and return"),
    Paragraph(
        "The duties last five years from disclosure. On request all copies are returned or destroyed within ten days."
    ),
    Heading("5. Governing law"),
    Paragraph("The law of the place where the disclosing party has its seat governs this agreement."),
    lines("""Signed for Gannet: H. Okonjo
        Signed for Coil & Cable: T. Brask"""),
)

LEASE: Blocks = (
    Title("Residential Lease Agreement"),
    Paragraph(
        "Between Mallow Court Homes, the landlord, and Odalys Fenwick, the tenant, for the flat on the second floor of "
        "7 Mallow Court, Tern Harbour, called the premises."
    ),
    Heading("Term"),
    Paragraph(
        "The lease runs for twelve months from 1 February and then from month to month until either gives notice."
    ),
    Heading("Rent and deposit"),
    grid("""Payment | Amount | When
        Monthly rent | 1,150.00 | on the 14th of each month
        Security deposit | 1,700.00 | before moving in
        Late charge | 35.00 | after five days"""),
    Heading("Use and repairs"),
    Paragraph(
        "The tenant uses the premises as a home for two persons, keeps them clean, and lets the landlord in for "
        "repairs after a day's notice. The landlord keeps roof, heating and pipes in order. No subletting without "
        "consent."
    ),
    Heading("Ending the lease"),
    Paragraph("Either side may end the lease with two months' notice in writing. The deposit is returned in 30 days."),
    lines("""Landlord: Mallow Court Homes
        Tenant: Odalys Fenwick"""),
)

MEDICAL_RECORD: Blocks = (
    lines("""Tern Harbour Community Clinic
        Outpatient visit note"""),
    lines("""Patient: Ignatius Vale   Born: 2 May 1961
        Seen on: 17 October   Physician: Dr. R. Amsel"""),
    Heading("Reason for visit"),
    Paragraph("Cough for three weeks, worse at night, and some shortness of breath on stairs."),
    Heading("History"),
    Paragraph(
        "No fever. Stopped smoking eight years ago. Takes lisinopril 10 mg for high blood pressure. Allergic to "
        "penicillin."
    ),
    Heading("Examination"),
    Paragraph(
        "Blood pressure 138/84, pulse 76, temperature 36.8, oxygen saturation 97%. Lungs: mild wheeze on both sides. "
        "Heart sounds normal, no swelling of the legs."
    ),
    Heading("Assessment and plan"),
    Paragraph(
        "Diagnosis: cough, probably caused by the ACE inhibitor; mild obstruction to be ruled out. Replace lisinopril "
        "by losartan 50 mg, spirometry next week, chest X-ray if no better. Follow-up in 14 days."
    ),
)

ACORD_25: Blocks = (
    lines("""ACORD
        DATE (MM/DD/YYYY) 03/21/2024"""),
    Title("Certificate of Liability Insurance"),
    Paragraph(
        "This certificate is issued as a matter of information only and confers no rights upon the certificate holder. "
        "This certificate does not amend, extend or alter the coverage afforded by the policies below."
    ),
    lines("""Producer: Breakwater Brokers, Ironmere
        Insured: Coil & Cable Works, Ironmere
        Insurer A: Harbour Mutual Insurance
        Insurer B: Lodestar Casualty"""),
    Heading("Coverages"),
    grid("""Insr | Type of insurance | Policy number | Eff | Exp | Limits
        A | Commercial general liability, occurrence | GL-771-02 | 01/01 | 12/31 | Each occurrence 1,000,000
        A | Automobile liability, any auto | AU-771-03 | 01/01 | 12/31 | Combined single limit 500,000
        B | Workers compensation | WC-40-118 | 01/01 | 12/31 | E.L. each accident 500,000"""),
    lines("""Certificate holder: Gannet Research Vessels Ltd, Dock 4, Tern Harbour
        Cancellation: notice will be delivered in accordance with the policy provisions
        ACORD 25 (2016/03)"""),
)

DRIVERS_LICENSE = (
    "STATE OF SALTMARSH",
    "DRIVER LICENSE",
    "4d DL NO  S118-4402-77     9 CLASS  C",
    "1 WREN",
    "2 CALLIOPE JUNE",
    "8 88 WINDMILL RISE, SALTMARSH",
    "3 DOB 06/21/1991    4b EXP 06/21/2029",
    "15 SEX F   16 HGT 5-06   18 EYES BRN",
    "9a END NONE   12 REST NONE   4a ISS 06/30/2021",
    "ORGAN DONOR",
)

PASSPORT = (
    "PASSPORT    REPUBLIC OF UTOPIA",
    "Type P     Code UTO     Passport No. X4471920",
    "Surname / Nom   ASHGROVE",
    "Given names / Prénoms   PTOLEMY JAMES",
    "Nationality   UTOPIAN",
    "Date of birth   12 AUG 1974    Sex M",
    "Place of birth   NORTHMERE",
    "Date of issue   03 APR 2022",
    "Date of expiry   02 APR 2032",
    "Authority   PASSPORT OFFICE NORTHMERE",
)
PASSPORT_MRZ = ("P<UTOASHGROVE<<PTOLEMY<JAMES<<<<<<<<<<<<<<<<<", "X4471920<4UTO7408122M3204029<<<<<<<<<<<<<<04")

EMAIL = """\
From: Benedikt Sorrel <benedikt@kestrel.example>
To: Calliope Wren <calliope.wren@example.org>
Cc: stores@kestrel.example
Date: Tue, 11 Jun 2024 09:42:10 +0200
Subject: Re: pallets for Thursday

Hi Calliope,

thanks for the quick answer. Thursday at seven works for us, the gate opens at half past six.
Could your driver bring the empty crates from last week as well? We counted 41, your list says 43.

See you then
Benedikt

On Mon, 10 Jun 2024 Calliope Wren wrote:
> Hello Benedikt,
> can we move the delivery from Wednesday to Thursday? The ferry is full.
> Calliope
"""

# Fits no label: what an honest service answers with "unknown".
RECIPE = """\
Plum cake from a tray

For one tray: 500 g flour, 20 g fresh yeast, 250 ml lukewarm milk, 80 g sugar, 80 g soft butter, 1 egg, a pinch of
salt, 1.5 kg plums, cinnamon.

Crumble the yeast into the milk, stir in a spoon of sugar and wait until it foams. Knead it with everything else except
the plums until the dough comes off the bowl, then let it rise for an hour under a cloth. Halve and stone the plums.
Roll the dough out on the tray, set the plums in tight rows, skin down, and let it rise again for twenty minutes.
Bake at 190 degrees for thirty-five minutes. Dust with cinnamon while it is hot. Best on the same day, with cream.
"""
